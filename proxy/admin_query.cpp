#include "proxy/admin_query.hpp"

#include <algorithm>
#include <charconv>

#include "router/base/percent_encode.hpp"

namespace fairlead {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    plain += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return plain;
}

std::optional<std::size_t> number(std::string_view text) {
  std::size_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<AdminQuery> AdminQuery::parse(std::string_view target) {
  const std::size_t question = std::min(target.find('?'), target.size());
  auto path = percent_decode(target.substr(0, question));
  if (!path) return std::nullopt;
  AdminQuery query{std::move(*path), {}};
  std::string_view rest = target.substr(std::min(question + 1, target.size()));
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = percent_decode(pair.substr(0, equals));
    auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value) return std::nullopt;
    if (!name->empty()) query.parameters.insert_or_assign(std::move(*name), std::move(*value));
  }
  return query;
}

std::string_view AdminQuery::parameter(std::string_view name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

std::optional<AdminWindow> AdminWindow::of(const AdminQuery& query, std::size_t max_listed) {
  AdminWindow window{0, max_listed};
  if (const auto text = query.parameter("limit"); !text.empty()) {
    const auto limit = number(text);
    if (!limit || *limit == 0) return std::nullopt;
    window.limit = std::min(*limit, max_listed);
  }
  if (const auto text = query.parameter("offset"); !text.empty()) {
    const auto offset = number(text);
    if (!offset) return std::nullopt;
    window.offset = *offset;
  }
  return window;
}

std::string AdminWindow::next(const AdminQuery& query, std::size_t total) const {
  if (offset >= total || total - offset <= limit) return "";
  std::string target = query.path + "?offset=" + std::to_string(offset + limit) + "&limit=" + std::to_string(limit);
  for (const auto& [name, value] : query.parameters) {
    if (name == "offset" || name == "limit") continue;
    target += '&' + percent_encode(name) + '=' + percent_encode(value);
  }
  return target;
}

}  // namespace fairlead

#include "router/host_name.hpp"

#include <algorithm>
#include <array>

#include "router/base/ip_address.hpp"

namespace fairlead {
namespace {

constexpr std::ptrdiff_t max_label = 63;

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr bool is_label_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool is_port(std::string_view digits) {
  unsigned port = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  return digits.size() <= 5 && port <= 65'535;
}

// What a character of a label is in lower case; 0 for all that may not stand there.
constexpr std::array<char, 256> make_label_table() {
  std::array<char, 256> table{};
  for (int c = 0; c < 256; ++c) {
    if (c < 128 && is_label_char(static_cast<char>(c)))
      table[static_cast<std::size_t>(c)] = lower(static_cast<char>(c));
  }
  return table;
}
constexpr std::array<char, 256> label_table = make_label_table();

// Writes labels of the allowed characters in lower case to out, which has room for them. False when there are others,
// or a label is empty or too long.
bool write_dotted_name(std::string_view name, char* out) {
  const char* label = name.data();
  for (const char& c : name) {
    char written = label_table[static_cast<unsigned char>(c)];
    if (written == 0) {
      if (c != '.' || &c == label || &c - label > max_label) return false;
      label = &c + 1;
      written = '.';
    }
    *out++ = written;
  }
  const std::ptrdiff_t last = name.data() + name.size() - label;
  return last > 0 && last <= max_label;
}

// Parts an authority into host and port text; the port is empty when there is none. False when a port is malformed.
bool part_authority(std::string_view authority, std::string_view& host) {
  const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : std::string_view::npos;
  if (authority.starts_with('[') && bracket == std::string_view::npos) return false;
  const std::size_t host_end =
      bracket != std::string_view::npos ? bracket + 1 : std::min(authority.find(':'), authority.size());
  host = authority.substr(0, host_end);
  const std::string_view rest = authority.substr(host_end);
  return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
}

}  // namespace

std::optional<std::string_view> canonical_host(std::string_view authority, char (&out)[max_host_name]) {
  std::string_view host;
  if (!part_authority(authority, host)) return std::nullopt;
  if (host.empty()) return authority.empty() ? std::optional<std::string_view>("") : std::nullopt;
  const bool literal = host.front() == '[';
  if (!literal && host.back() == '.') host.remove_suffix(1);
  if (host.size() > max_host_name) return std::nullopt;
  if (!literal) {
    if (!write_dotted_name(host, out)) return std::nullopt;
    return std::string_view(out, host.size());
  }
  if (host.find(':') == std::string_view::npos || !IpAddress::parse(host.substr(1, host.size() - 2)))
    return std::nullopt;
  std::transform(host.begin(), host.end(), out, lower);
  return std::string_view(out, host.size());
}

std::optional<std::string> canonical_rule_host(std::string_view text) {
  const bool wildcard = text.starts_with("*.");
  const std::string_view name = wildcard ? text.substr(2) : text;
  if (text.size() > max_host_name) return std::nullopt;
  std::string canonical(text);
  if (!write_dotted_name(name, canonical.data() + (wildcard ? 2 : 0))) return std::nullopt;
  std::string_view rest = std::string_view(canonical).substr(wildcard ? 2 : 0);
  while (!rest.empty()) {  // RFC 1123: a label neither begins nor ends with '-', and '_' is no letter
    const std::string_view label = rest.substr(0, rest.find('.'));
    if (label.front() == '-' || label.back() == '-' || label.find('_') != std::string_view::npos) return std::nullopt;
    rest.remove_prefix(std::min(label.size() + 1, rest.size()));
  }
  return canonical;
}

std::optional<std::string_view> parent_suffix(std::string_view host) {
  const std::size_t dot = host.find('.');
  if (dot == std::string_view::npos || dot == 0) return std::nullopt;
  if (!std::all_of(host.begin(), host.begin() + static_cast<std::ptrdiff_t>(dot), is_label_char)) return std::nullopt;
  return host.substr(dot);
}

}  // namespace fairlead

#include "router/host_name.hpp"

#include <algorithm>

#include "router/base/ip_address.hpp"

namespace fairlead {
namespace {

constexpr std::size_t max_label = 63;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool is_label_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool is_port(std::string_view digits) {
  const bool all_digits = std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!all_digits || digits.size() > 5) return false;
  unsigned port = 0;
  for (const char c : digits) port = port * 10 + static_cast<unsigned>(c - '0');
  return port <= 65'535;
}

// Labels of the allowed characters, none empty and none too long.
bool is_dotted_name(std::string_view name) {
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
    } else if (!is_label_char(c) || ++label > max_label) {
      return false;
    }
  }
  return label > 0;
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
  const bool valid = literal
                         ? IpAddress::parse(host.substr(1, host.size() - 2)) && host.find(':') != std::string_view::npos
                         : is_dotted_name(host);
  if (!valid) return std::nullopt;
  std::transform(host.begin(), host.end(), out, lower);
  return std::string_view(out, host.size());
}

std::optional<std::string> canonical_rule_host(std::string_view text) {
  const bool wildcard = text.starts_with("*.");
  const std::string_view name = wildcard ? text.substr(2) : text;
  if (text.size() > max_host_name || !is_dotted_name(name)) return std::nullopt;
  std::string canonical(text);
  std::transform(canonical.begin(), canonical.end(), canonical.begin(), lower);
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

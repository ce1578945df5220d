#include "watcher/external_name.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "router/host_name.hpp"

namespace fairlead {
namespace {

struct Refused {
  Cidr block;
  std::string_view what;
};

// IpAddress holds IPv4 in its mapped form, so that ::ffff:127.0.0.1 is no way around these.
const std::vector<Refused>& refused_blocks() {
  static const std::vector<Refused> blocks = [] {
    constexpr std::pair<const char*, std::string_view> all[] = {
        {"127.0.0.0/8", "a loopback address"},        {"::1", "a loopback address"},
        {"0.0.0.0/8", "an unspecified address"},      {"::", "an unspecified address"},
        {"169.254.0.0/16", "a link-local address"},   {"fe80::/10", "a link-local address"},
        {"224.0.0.0/4", "a multicast address"},       {"ff00::/8", "a multicast address"},
        {"255.255.255.255", "the broadcast address"},
    };
    std::vector<Refused> made;
    for (const auto& [text, what] : all) made.push_back({*Cidr::parse(text), what});
    return made;
  }();
  return blocks;
}

// The IPv4 address inside an IPv4-compatible (RFC 4291 2.5.5.1) or a translated one (RFC 6052 2.1).
std::optional<IpAddress> embedded_v4(const IpAddress& address) {
  static const std::array<Cidr, 2> prefixes{*Cidr::parse("::/96"), *Cidr::parse("64:ff9b::/96")};
  const auto within = [&](const Cidr& prefix) { return prefix.contains(address); };
  if (std::none_of(prefixes.begin(), prefixes.end(), within)) return std::nullopt;
  const auto& bytes = address.bytes();
  std::uint32_t number = 0;
  for (std::size_t i = 12; i < bytes.size(); ++i) number = number << 8 | bytes[i];
  return IpAddress::v4(number);
}

}  // namespace

std::optional<std::string> canonical_name(std::string_view text) {
  if (const auto address = IpAddress::parse(text)) return address->to_string();
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.starts_with("*.") || text.empty() || text.back() == '.') return std::nullopt;
  return canonical_rule_host(text);
}

std::string_view refusal_of(const IpAddress& address) {
  for (const Refused& refused : refused_blocks()) {
    if (refused.block.contains(address)) return refused.what;
  }
  const auto inner = embedded_v4(address);
  return inner ? refusal_of(*inner) : std::string_view();
}

std::string_view refusal_of_name(std::string_view name) {
  return name == "localhost" || name.ends_with(".localhost") ? "this very pod" : "";
}

}  // namespace fairlead

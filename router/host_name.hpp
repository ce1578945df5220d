#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead {

// The longest host name that DNS allows (RFC 1035 2.3.4).
inline constexpr std::size_t max_host_name = 253;

// The one canonical form of a host: lower case, no port, no trailing dot. SNI, routing, policies, logs and metrics all
// use it. Writes at most max_host_name bytes to out and returns the view of them, or nothing when the text is no host
// (RFC 9110 7.2: reg-name of letters, digits, "-", "_", "."; an IPv4 address; a bracketed IPv6 address).
// An empty authority gives the empty name.
std::optional<std::string_view> canonical_host(std::string_view authority, char (&out)[max_host_name]);

// A host as an Ingress may name it: an RFC 1123 subdomain, or "*." before one. Returns its canonical form.
std::optional<std::string> canonical_rule_host(std::string_view text);

// "a.example.com" gives "*.example.com" text's suffix ".example.com"; nothing when there is no label to strip, or
// when the first label has other characters than [A-Za-z0-9_-].
std::optional<std::string_view> parent_suffix(std::string_view host);

}  // namespace fairlead

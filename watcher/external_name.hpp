#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "router/base/ip_address.hpp"

namespace fairlead {

// spec.externalName in the one form that we compare and ask for: an address as IpAddress writes it, or a DNS name (RFC
// 1123) in lower case, without the dot at its end. Nothing for any other text.
std::optional<std::string> canonical_name(std::string_view text);

// Why a Service must not lead to this address ("a loopback address"); "" when it may. Whoever may write a Service, or
// answers for a name, could otherwise reach what listens inside our own pod, or the metadata of its machine.
std::string_view refusal_of(const IpAddress& address);

// The same of a DNS name: "localhost" and what is below it (RFC 6761 6.3).
std::string_view refusal_of_name(std::string_view name);

}  // namespace fairlead

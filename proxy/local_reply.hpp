#pragma once

#include <string_view>

#include "proxy/client_side.hpp"
#include "router/policies/policy.hpp"

namespace fairlead {

inline constexpr std::string_view allowed_methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

// The standard phrase of a status, "Unknown" for strangers (RFC 9110 15).
std::string_view reason_of(int status);

// Answers the Exchange ourselves. The connection closes afterwards if request bytes are still to come.
void reply_locally(ClientSide& client, const PolicyReply& reply);
void reply_locally(ClientSide& client, int status);
// The same, saying which limit was hit, for the log and the metrics.
void refuse_for_limit(ClientSide& client, int status, std::string_view limit);

}  // namespace fairlead

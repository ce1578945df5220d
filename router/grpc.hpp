#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "router/head.hpp"

namespace fairlead {

// What gRPC adds to HTTP (PROTOCOL-HTTP2 of gRPC), as far as a proxy must know it: which messages are of it, the status
// that stands in fields or trailers, and the deadline. Pure.

enum class GrpcStatus : std::uint8_t {
  ok = 0,
  cancelled = 1,
  unknown = 2,
  invalid_argument = 3,
  deadline_exceeded = 4,
  not_found = 5,
  already_exists = 6,
  permission_denied = 7,
  resource_exhausted = 8,
  failed_precondition = 9,
  aborted = 10,
  out_of_range = 11,
  unimplemented = 12,
  internal = 13,
  unavailable = 14,
  data_loss = 15,
  unauthenticated = 16,
};
inline constexpr std::size_t grpc_status_count = 17;

inline constexpr std::string_view grpc_content_type = "application/grpc";

// Whether a message is of gRPC: its Content-Type is application/grpc, alone or with "+proto" or ";…" behind it.
// application/grpc-web is another protocol, whose messages carry their status in their bodies.
bool is_grpc(const Fields& fields);

// The status that a client is told in place of an HTTP status of ours. For 400, 401, 403, 404, 429, 502, 503 and 504 it
// is what gRPC clients make of them themselves (http-grpc-status-mapping of gRPC); that says UNKNOWN of all others, of
// which some say more here.
GrpcStatus grpc_status_of(int http_status);

// The value of a grpc-status field: a number without sign or leading zeros. Numbers that gRPC does not define are
// UNKNOWN, as its clients take them; none for what is no number.
std::optional<GrpcStatus> parse_grpc_status(std::string_view value);
// In trailers, as lines that each end in CRLF.
std::optional<GrpcStatus> find_grpc_status(std::string_view trailers);

// The value of a grpc-timeout field: 1 to 8 digits and one of H, M, S, m, u, n. Rounded up to milliseconds; none if it
// is malformed.
std::optional<std::chrono::milliseconds> parse_grpc_timeout(std::string_view value);

// Room that the text of a grpc-message of so many bytes may need.
constexpr std::size_t grpc_message_room(std::size_t size) {
  return size * 3;
}
// Percent-encodes what is not printable ASCII, and '%'. Returns how many bytes were written; `to` has the room.
std::size_t write_grpc_message(std::string_view text, char* to);

}  // namespace fairlead

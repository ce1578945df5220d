#pragma once

#include <cstdint>
#include <string_view>

#include "router/head.hpp"

namespace fairlead {

// How the end of a message body is known (RFC 9112 6.3).
enum class BodyKind : std::uint8_t { none, length, chunked, until_close };

enum class FramingError : std::uint8_t {
  none,
  length_and_coding,  // Content-Length beside Transfer-Encoding
  several_lengths,    // more than one Content-Length, equal or not
  bad_length,         // not digits only, or over 2^63
  bad_coding,         // not exactly one "chunked"
  unknown_coding,     // a coding we do not implement: 501
  coding_in_http10,   // Transfer-Encoding in an HTTP/1.0 message
  missing_host,       // HTTP/1.1 without Host (RFC 9112 3.2)
  several_hosts,
  too_many_nominations,  // Connection names more fields than NominatedFields holds
  unknown_expectation,   // Expect other than 100-continue: 417
};
std::string_view describe(FramingError error);
int status_of(FramingError error);

struct RequestFraming {
  BodyKind body = BodyKind::none;
  std::uint64_t length = 0;
  bool keep_alive = true;  // the Client lets the connection persist
  bool upgrade = false;    // Connection: upgrade and one Upgrade field, to no version of HTTP and not to TLS
  bool expect_continue = false;
};
FramingError frame_request(const RequestHead& head, RequestFraming& framing);

// RFC 9110 6.4.1, whatever the method.
constexpr bool may_have_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

struct ResponseFraming {
  BodyKind body = BodyKind::none;
  std::uint64_t length = 0;
  bool keep_alive = true;
};
// request: the method that is answered (HEAD has no body). 101 is the caller's.
FramingError frame_response(const ResponseHead& head, Method request, ResponseFraming& framing);

}  // namespace fairlead

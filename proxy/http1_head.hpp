#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/limits.hpp"
#include "router/head.hpp"

namespace fairlead {

// Why a head is refused. What is not listed in RFC 9112 as something a recipient may repair is not repaired.
enum class HeadError : std::uint8_t {
  none,
  bad_request_line,
  bad_method,
  bad_target,       // a control character, a space or a byte over 0x7e in the request target
  bad_version,      // not "HTTP/" digit "." digit
  unknown_version,  // a major version other than 1: 505
  bad_status_line,
  bare_line_feed,   // RFC 9112 2.2 lets a recipient take LF for CRLF; that is how requests are smuggled
  folded_line,      // obs-fold (RFC 9112 5.2)
  bad_field_name,   // empty, not a token, or white space before the colon (RFC 9112 5.1)
  bad_field_value,  // a control character other than HTAB (RFC 9110 5.5)
  too_many_fields,  // max_header_count
  line_too_long,    // max_request_line_bytes
  head_too_large,   // max_request_head_bytes, max_response_head_bytes
};
std::string_view describe(HeadError error);

// Where the search for the end of a head has got to, so that a head arriving byte by byte is not searched again and
// again.
struct HeadScan {
  std::size_t line_begin = 0;
  std::size_t searched = 0;
  bool first_line_done = false;
};

struct HeadBounds {
  std::size_t max_first_line = 0;
  std::size_t max_head = 0;
};

// Length of the head at the front of bytes, its empty line included; 0 while it is not whole. error is set when it
// already cannot become a head within its bounds.
std::size_t find_head(std::string_view bytes, const HeadBounds& bounds, HeadScan& scan, HeadError& error);

// Parse one whole head, as find_head delimited it. fields is cleared and filled up to its capacity; the heads' views
// borrow from bytes, their field lists from fields.
HeadError parse_request_head(std::string_view bytes, std::vector<Field>& fields, RequestHead& head);
HeadError parse_response_head(std::string_view bytes, std::vector<Field>& fields, ResponseHead& head);
// Field lines up to an empty line: a trailer section (RFC 9112 7.1.2).
HeadError parse_fields(std::string_view bytes, std::vector<Field>& fields, Fields& out);

}  // namespace fairlead

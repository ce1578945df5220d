#pragma once

#include "proxy/exchange.hpp"
#include "proxy/http2_fields.hpp"

namespace fairlead {

// The head that an HTTP/2 upstream gets for this Exchange: what one that speaks HTTP/1.1 would get
// (write_http1_request_head), as RFC 9113 8.3.1 has it. Its text is put together in `text`, which the fields borrow
// from. Neither fits: text.overflow() or fields.overflow(). scheme: of the connection to the upstream. protocol: what
// an extended CONNECT (RFC 8441) asks for, or "" for a usual request.
void write_http2_request(Http2Fields& fields, TextBuffer& text, const Exchange& exchange, std::string_view scheme,
                         std::string_view protocol);

}  // namespace fairlead

#pragma once

#include "proxy/exchange.hpp"
#include "proxy/output.hpp"

namespace fairlead {

// Writes the head that the upstream gets for this Exchange: the received lines less those of the connection, then the
// policies' edits, then our own (contract 2.4.9): Host, X-Request-ID, X-Real-IP, X-Forwarded-For/-Host/-Port/-Proto/
// -Scheme, X-Scheme, and the originals of what was replaced. Does not fit: text.overflow().
void write_http1_request_head(TextBuffer& text, const Exchange& exchange);

}  // namespace fairlead

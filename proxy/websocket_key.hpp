#pragma once

#include "router/head.hpp"

namespace fairlead {

// Whether a response that switches to WebSocket answers the Sec-WebSocket-Key of this request, which is ours when the
// client asked by RFC 8441 and so has none to look at (RFC 6455 4.1).
bool answers_websocket_key(const RequestHead& request, const ResponseHead& response);

}  // namespace fairlead

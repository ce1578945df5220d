#pragma once

#include <string>
#include <string_view>

namespace fairlead {

// What a server must answer to this Sec-WebSocket-Key (RFC 6455 4.2.2): the SHA-1 of the key and a fixed text, in
// base64. "" when the library cannot.
std::string websocket_accept(std::string_view key);

}  // namespace fairlead

#include "proxy/websocket_key.hpp"

#include "tls/websocket_accept.hpp"

namespace fairlead {

bool answers_websocket_key(const RequestHead& request, const ResponseHead& response) {
  const Field* const key = request.fields.find("sec-websocket-key");
  const Field* const answer = response.fields.find("sec-websocket-accept");
  return key && answer && answer->value == websocket_accept(key->value);
}

}  // namespace fairlead

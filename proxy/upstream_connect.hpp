#pragma once

#include <string_view>

#include "proxy/client_side.hpp"
#include "proxy/upstream_connection.hpp"
#include "router/retry.hpp"

namespace fairlead {

struct Connected {
  UpstreamConnectionPtr connection;  // null: it failed
  AttemptFailure failure = AttemptFailure::connect_refused;
  std::string_view reason;  // for the log; lives for ever
  bool client_gone = false;
};

// Opens a connection to the Endpoint, over TLS if its Upstream speaks that. timeout: for the connection, and once more
// for the handshake.
Task<Connected> connect_upstream(ClientSide& client, std::shared_ptr<EndpointState> endpoint, LoopTime timeout);

}  // namespace fairlead

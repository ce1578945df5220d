#pragma once

#include "proxy/client_side.hpp"
#include "proxy/upstream_side.hpp"
#include "router/upstream_state.hpp"

namespace fairlead {

struct Connected {
  UpstreamSidePtr upstream;  // null: it failed
  UpstreamFault fault;
  bool client_gone = false;
};

// What is there already: an idle connection, or, where many Exchanges share one, room on it. Null when there is none.
// fresh: not on a connection that may have gone stale.
inline UpstreamSidePtr reuse_upstream(ClientSide& client, const EndpointState& endpoint, bool fresh) {
  if (is_http2(endpoint.protocol)) return client.worker.http2_upstreams.open(endpoint, client.session);
  return UpstreamSidePtr(fresh ? nullptr : client.worker.upstreams.take(endpoint, client.session).release());
}

// Opens a connection to the Endpoint, as its Upstream speaks, or waits for one that is shared. timeout: for the
// connection, and once more for the handshake.
Task<Connected> connect_upstream(ClientSide& client, std::shared_ptr<EndpointState> endpoint, LoopTime timeout);

}  // namespace fairlead

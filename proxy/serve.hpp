#pragma once

#include "proxy/client_address.hpp"
#include "proxy/client_side.hpp"

namespace fairlead {

// What an Exchange has of its connection: the Worker's Snapshot of now, and who asks.
void prepare(Exchange& exchange, const WorkerContext& worker, const ClientAddress& address);

// The life of one request whose head has arrived and is framed, up to where it needs an upstream: checks it, routes it,
// runs its policies. exchange.request, framing, peer, over_tls, local_port and snapshot are set. server_name: the SNI
// of the connection, or "". True when that answered it, false when it is to be forwarded.
bool answered_here(ClientSide& client, std::string_view server_name);
// All of its life. False when the client's connection is of no use any more.
Task<bool> serve(ClientSide& client, std::string_view server_name);

// Refuses a request that cannot be understood; the connection closes afterwards. limit: the one that was hit, or "".
void refuse(ClientSide& client, int status, std::string_view limit);

// Log line and metrics of an Exchange that is over.
void finish(ClientSide& client);

}  // namespace fairlead

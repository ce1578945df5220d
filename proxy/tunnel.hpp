#pragma once

#include "proxy/client_side.hpp"
#include "proxy/upstream_side.hpp"

namespace fairlead {

// After a switch of protocols: moves bytes both ways until both ends have closed their side, one breaks, or nothing
// moves for proxy-read-timeout. An end of one direction is passed on as such; the other goes on.
Task<void> tunnel(ClientSide& client, UpstreamSide& upstream);

}  // namespace fairlead

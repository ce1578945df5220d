#pragma once

#include "proxy/client_side.hpp"

namespace fairlead {

// Brings the Exchange to an Endpoint of its Upstream and the response back, over several attempts if need be
// (retry.hpp), and into a tunnel if both ends agree on one. Answers 502, 503 or 504 itself when there is nothing to
// bring back. False when the client's connection is of no use any more.
Task<bool> forward(ClientSide& client);

}  // namespace fairlead

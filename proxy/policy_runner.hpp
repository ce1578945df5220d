#pragma once

#include "proxy/exchange.hpp"

namespace fairlead {

// What policies get to see, once the Exchange is routed. Before the other two.
void show_to_policies(Exchange& exchange);
// Ask the policies of the Path, in stage order, until one answers instead of the upstream: first the early ones, then,
// if there is somebody to forward to, the others.
Outcome run_early(Exchange& exchange);
Outcome run_late(Exchange& exchange);
// Lets the policies change the response. Does nothing for an Exchange that was not routed.
void run_on_response(Exchange& exchange, int status);

}  // namespace fairlead

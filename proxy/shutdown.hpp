#pragma once

#include "proxy/options.hpp"
#include "proxy/workers.hpp"

namespace fairlead {

// Blocks SIGTERM and SIGINT for this thread and those it starts from now on. Before any thread is started.
void block_stop_signals();

// Waits for SIGTERM or SIGINT, then stops gently: unready, shutdown_grace_period with everything still served, no more
// accepting, drain_timeout for what is under way, post_shutdown_grace_period. A second signal cuts it short.
void serve_until_stopped(const Options& options, Workers& workers, Log& log);

}  // namespace fairlead

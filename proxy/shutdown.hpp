#pragma once

#include <chrono>
#include <functional>

#include "proxy/options.hpp"
#include "proxy/workers.hpp"

namespace fairlead {

// Blocks SIGTERM and SIGINT for this thread and those it starts from now on. Before any thread is started.
void block_stop_signals();

// Waits that long, or less if it is to be cut short: then true.
using StopWait = std::function<bool(std::chrono::milliseconds)>;

// Unready, shutdown_grace_period with everything still served but responses closing their connections, no more
// accepting, up to drain_timeout for what is under way, an end to the rest, post_shutdown_grace_period.
void stop_gently(const Options& options, Workers& workers, Log& log, const StopWait& wait);

// Waits for SIGTERM or SIGINT, then stops gently. A second signal cuts that short. on_signal: called in between; must
// not block.
void serve_until_stopped(const Options& options, Workers& workers, Log& log, const std::function<void()>& on_signal);

}  // namespace fairlead

#include "proxy/shutdown.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <csignal>

namespace fairlead {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

// Until a signal comes (true) or the time is over. Interrupted by a debugger, say: the latter.
bool wait_for_signal(std::chrono::milliseconds time) {
  const sigset_t set = stop_signals();
  timespec timeout{};
  timeout.tv_sec = time.count() / 1000;
  timeout.tv_nsec = time.count() % 1000 * 1'000'000;
  return sigtimedwait(&set, nullptr, &timeout) > 0;
}

}  // namespace

void block_stop_signals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

void stop_gently(const Options& options, Workers& workers, Log& log, const StopWait& wait) {
  log.info(fmt::format("stopping: no longer ready, still serving for {} ms", options.shutdown_grace_period.count()));
  workers.leave();
  if (wait(options.shutdown_grace_period)) return;
  workers.drain();
  log.info(fmt::format("stopping: accepting no more, waiting up to {} ms for connections that are open",
                       options.drain_timeout.count()));
  constexpr std::chrono::milliseconds look_every{50};
  // Before the Workers accept no more, nothing open says nothing: connections may wait to be accepted.
  const auto busy = [&] { return !workers.accepts_no_more() || workers.connections() > 0; };
  for (std::chrono::milliseconds waited{0}; waited < options.drain_timeout && busy(); waited += look_every) {
    if (wait(look_every)) return;
  }
  if (workers.connections() > 0) {
    log.warning(fmt::format("stopping: {} connections are cut off", workers.connections()));
    workers.cut_connections();
  }
  wait(options.post_shutdown_grace_period);
}

void serve_until_stopped(const Options& options, Workers& workers, Log& log, const std::function<void()>& on_signal) {
  while (!wait_for_signal(SessionTickets::rotation_interval)) workers.tickets().rotate();
  on_signal();
  stop_gently(options, workers, log, wait_for_signal);
}

}  // namespace fairlead

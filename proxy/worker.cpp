#include "proxy/worker.hpp"

#include <random>

namespace fairlead {
namespace {

std::uint64_t random_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

}  // namespace

Worker::Worker(SharedContext& shared, WorkerMetrics& metrics, Ready& ready, std::size_t index,
               std::vector<ListenSocket> sockets, int access_log_fd)
    : ready_(ready),
      index_(index),
      context_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE),
      readiness_(context_),
      worker_(shared, readiness_, metrics, access_log_fd, random_seed()),
      connections_(worker_),
      mailbox_(readiness_) {
  for (ListenSocket& socket : sockets) {
    listeners_.push_back(std::make_unique<Listener>(worker_, connections_, std::move(socket)));
  }
  readiness_.on_tick([this] { worker_.access_log.flush(); });
}

bool Worker::start() {
  if (!readiness_.usable() || !mailbox_.usable()) return false;
  thread_ = std::thread([this] { run(); });
  return true;
}

Worker::~Worker() {
  if (!thread_.joinable()) return;
  mailbox_.post([this] { readiness_.stop(); });
  thread_.join();
}

// Everything that belongs to the thread is let go of on the thread: coroutine frames return to its free lists.
void Worker::run() {
  readiness_.start();
  context_.run();
  connections_.close_all();
  listeners_.clear();
  worker_.upstreams.close_all();
  worker_.http2_upstreams.close_all();
  worker_.access_log.flush();
  worker_.snapshot = {};
}

void Worker::publish(std::shared_ptr<const Snapshot> snapshot) {
  mailbox_.post([this, snapshot = std::move(snapshot)] { take(snapshot); });
}

void Worker::take(std::shared_ptr<const Snapshot> snapshot) {
  const std::uint64_t generation = snapshot->generation;
  worker_.upstreams.close(snapshot->routes->retired_endpoints());
  worker_.http2_upstreams.close(snapshot->routes->retired_endpoints());
  worker_.snapshot = SnapshotRef(std::move(snapshot));
  if (!accepting_ && !worker_.draining) {
    accepting_ = true;
    for (const std::unique_ptr<Listener>& listener : listeners_) {
      if (!listener->start()) worker_.shared.log.error("a listener could not be registered: no memory in the kernel");
    }
  }
  ready_.live(index_, generation);
}

void Worker::retain_series(std::shared_ptr<const LiveRoutes> live) {
  mailbox_.post([this, live = std::move(live)] { worker_.metrics.requests.retain(*live); });
}

void Worker::leave() {
  mailbox_.post([this] {
    worker_.leaving = true;
    connections_.wake_all();
  });
}

void Worker::drain(std::function<void()> begun) {
  mailbox_.post([this, begun = std::move(begun)] {
    start_draining();
    begun();
  });
}

void Worker::cut_connections() {
  mailbox_.post([this] { connections_.close_all(); });
}

void Worker::start_draining() {
  if (worker_.draining) return;
  worker_.leaving = worker_.draining = true;
  if (accepting_) {
    for (const std::unique_ptr<Listener>& listener : listeners_) listener->accept_rest();
  }
  listeners_.clear();
  connections_.wake_all();
}

}  // namespace fairlead

#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "proxy/listener.hpp"
#include "proxy/mailbox.hpp"
#include "proxy/ready.hpp"

namespace fairlead {

// One thread, one io_context, its own listeners, connections, upstream pool, counters and Snapshot: nothing on the
// request path is shared with another Worker. Functions are for any other thread.
class Worker {
 public:
  // ready and metrics must outlive this. Begins to accept with the first Snapshot after start().
  Worker(SharedContext& shared, WorkerMetrics& metrics, Ready& ready, std::size_t index,
         std::vector<ListenSocket> sockets, int access_log_fd);
  ~Worker();  // breaks off whatever is left, and joins
  // Starts the thread. False when the system lacks what it takes to speak to it; nothing may be asked of it then.
  bool start();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Takes effect between two loop turns: later requests are served with it, those under way keep theirs.
  void publish(std::shared_ptr<const Snapshot> snapshot);
  // Drops the metrics of what is not live any more.
  void retain_series(std::shared_ptr<const LiveRoutes> live);
  // From now on responses close their connections; new ones are still accepted.
  void leave();
  // Leaves, accepts what has connected already, then closes the listeners.
  // begun: called on the Worker's thread once all that were accepted are counted.
  void drain(std::function<void()> begun);
  void cut_connections();  // of clients, whatever they are doing

 private:
  void run();
  void take(std::shared_ptr<const Snapshot> snapshot);
  void start_draining();

  Ready& ready_;
  const std::size_t index_;
  boost::asio::io_context context_;
  ReadinessSet readiness_;
  WorkerContext worker_;
  Connections connections_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  bool accepting_ = false;
  Mailbox mailbox_;
  std::thread thread_;
};

}  // namespace fairlead

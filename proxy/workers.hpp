#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "proxy/worker.hpp"

namespace fairlead {

// The data plane: all Workers and what they share. Functions may be called from any one thread at a time; publish from
// any other as well.
class Workers {
 public:
  // Binds every port before it returns. options and log must outlive this.
  static Result<std::unique_ptr<Workers>> start(const Options& options, Log& log);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  void publish(const std::shared_ptr<const Snapshot>& snapshot);
  // Unready, and responses close their connections: clients move to another replica with their next request.
  void leave();
  void drain();
  // Every Worker has closed its listeners: connections() can only become fewer.
  bool accepts_no_more() const { return draining_.load(std::memory_order_acquire) >= workers_.size(); }
  void cut_connections();
  std::uint32_t connections() const { return shared_.connections.load(std::memory_order_relaxed); }

  std::uint16_t http_port() const { return http_port_; }
  std::uint16_t https_port() const { return https_port_; }
  Ready& ready() { return ready_; }
  SessionTickets& tickets() { return *tickets_; }
  std::vector<const WorkerMetrics*> metrics() const;
  // Soon drops the metrics of hosts and Ingresses that these routes no longer have. Looks at all of them, so it belongs
  // to a scrape rather than to a change; with the routes of the last call it does nothing. Of one thread.
  void retain_series(const std::shared_ptr<const RouteTable>& routes);

 private:
  struct Parts;
  Workers(const Options& options, Log& log, Parts parts);
  Result<void> create(std::vector<std::vector<ListenSocket>> sockets);

  std::unique_ptr<SessionTickets> tickets_;
  std::unique_ptr<ServerContext> server_tls_;
  std::unique_ptr<ClientContext> client_tls_;
  AccessLogTarget access_log_;
  SharedContext shared_;
  std::uint16_t http_port_ = 0;
  std::uint16_t https_port_ = 0;
  Ready ready_;
  std::atomic<std::size_t> draining_{0};  // Workers
  std::vector<std::unique_ptr<WorkerMetrics>> metrics_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::weak_ptr<const RouteTable> retained_;
};

}  // namespace fairlead

#include "proxy/workers.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "proxy/cpu_quota.hpp"

namespace fairlead {

struct Workers::Parts {
  std::size_t count = 1;
  std::unique_ptr<SessionTickets> tickets;
  std::unique_ptr<ServerContext> server_tls;
  std::unique_ptr<ClientContext> client_tls;
  AccessLogTarget access_log;
};

Result<std::unique_ptr<Workers>> Workers::start(const Options& options, Log& log) {
  Parts parts;
  parts.count = options.workers > 0 ? options.workers : default_worker_count();
  parts.tickets = std::make_unique<SessionTickets>();
  ServerTlsSettings server_settings;
  if (options.http2) server_settings.alpn = {"h2", "http/1.1"};
  auto server_tls = ServerContext::create(server_settings, *parts.tickets);
  if (!server_tls) return server_tls.error();
  parts.server_tls = std::move(*server_tls);
  auto client_tls = ClientContext::create({});
  if (!client_tls) return client_tls.error();
  parts.client_tls = std::move(*client_tls);
  auto access_log = AccessLogTarget::open(options.access_log);
  if (!access_log) return access_log.error();
  parts.access_log = std::move(*access_log);

  auto sockets = ListenSocket::open(options.bind_addresses, options.http_port, false, parts.count);
  if (!sockets) return sockets.error();
  auto tls_sockets = ListenSocket::open(options.bind_addresses, options.https_port, true, parts.count);
  if (!tls_sockets) return tls_sockets.error();
  const std::uint16_t http_port = sockets->front().front().port();
  const std::uint16_t https_port = tls_sockets->front().front().port();
  for (std::size_t i = 0; i < parts.count; ++i) {
    for (ListenSocket& socket : (*tls_sockets)[i]) (*sockets)[i].push_back(std::move(socket));
  }
  std::unique_ptr<Workers> workers(new Workers(options, log, std::move(parts)));
  workers->http_port_ = http_port;
  workers->https_port_ = https_port;
  if (const Result<void> created = workers->create(std::move(*sockets)); !created) return created.error();
  return workers;
}

Workers::Workers(const Options& options, Log& log, Parts parts)
    : tickets_(std::move(parts.tickets)),
      server_tls_(std::move(parts.server_tls)),
      client_tls_(std::move(parts.client_tls)),
      access_log_(std::move(parts.access_log)),
      shared_{options, log, *server_tls_, *client_tls_},
      ready_(parts.count) {}

// Descriptors and threads may be lacking; the standard library and Asio say so by exceptions.
Result<void> Workers::create(std::vector<std::vector<ListenSocket>> sockets) try {
  const Options& options = shared_.options;
  RequestMetricsOptions counted;
  counted.per_host = options.metrics_per_host;
  counted.per_undefined_host = options.metrics_per_undefined_host;
  counted.status_classes = options.report_status_classes;
  counted.max_series = options.max_metric_series;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    metrics_.push_back(std::make_unique<WorkerMetrics>(counted));
    workers_.push_back(
        std::make_unique<Worker>(shared_, *metrics_[i], ready_, i, std::move(sockets[i]), access_log_.fd()));
    if (!workers_[i]->start()) return Failure{"cannot start a Worker: no descriptor or memory of the kernel is left"};
  }
  return {};
} catch (const std::runtime_error& error) {
  return Failure{fmt::format("cannot start a Worker: {}", error.what())};
}

Workers::~Workers() = default;

void Workers::publish(const std::shared_ptr<const Snapshot>& snapshot) {
  for (const std::unique_ptr<Worker>& worker : workers_) worker->publish(snapshot);
  ready_.published(snapshot->generation);
}

void Workers::retain_series(const std::shared_ptr<const RouteTable>& routes) {
  if (retained_.lock() == routes) return;
  retained_ = routes;
  const auto live = std::make_shared<const LiveRoutes>(*routes);
  for (const std::unique_ptr<Worker>& worker : workers_) worker->retain_series(live);
}

void Workers::leave() {
  ready_.drain();
  for (const std::unique_ptr<Worker>& worker : workers_) worker->leave();
}

void Workers::drain() {
  ready_.drain();
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->drain([this] { draining_.fetch_add(1, std::memory_order_release); });
  }
}

void Workers::cut_connections() {
  for (const std::unique_ptr<Worker>& worker : workers_) worker->cut_connections();
}

std::vector<const WorkerMetrics*> Workers::metrics() const {
  std::vector<const WorkerMetrics*> all;
  for (const std::unique_ptr<WorkerMetrics>& metrics : metrics_) all.push_back(metrics.get());
  return all;
}

}  // namespace fairlead

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/request_metrics.hpp"
#include "proxy/snapshot.hpp"
#include "proxy/worker_counters.hpp"
#include "router/base/problem.hpp"

namespace fairlead {

// What one Worker counts. Owned by whoever owns the Worker; must outlive Metrics.
struct WorkerMetrics {
  explicit WorkerMetrics(const RequestMetricsOptions& options) : requests(options) {}

  // At the end of every Exchange, on the Worker's thread: counts the request, its retries, the limit it hit, its
  // series.
  void record(const ExchangeRecord& record);

  WorkerCounters counters;
  RequestMetrics requests;
};

// What is written back to the API server, and whether by us.
struct WrittenBack {
  std::string election_id;
  bool leading = false;
  std::uint64_t status_pending = 0, status_written = 0, status_failed = 0;
  std::uint64_t events_written = 0, events_dropped = 0;
};

struct MetricsSources {
  std::vector<const WorkerMetrics*> workers;
  std::function<std::shared_ptr<const Snapshot>()> snapshot;  // the newest published one, or null
  std::function<std::shared_ptr<const Problems>()> problems;  // may give null
  std::function<WrittenBack()> written_back;                  // none: nothing is
  // By resource, in seconds; none: there is no API server.
  std::function<std::vector<std::pair<std::string, double>>()> api_contact_ages;
  std::string controller_namespace, controller_class, controller_pod;
};

// Everything that /metrics shows (metric_table.hpp). Sums the Workers' integers when asked. Any one thread.
class Metrics {
 public:
  explicit Metrics(MetricsSources sources);
  ~Metrics();

  std::string page() const;  // Prometheus text format 0.0.4

 private:
  class Collector;
  std::unique_ptr<Collector> collector_;
};

}  // namespace fairlead

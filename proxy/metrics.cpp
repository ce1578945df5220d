#include "proxy/metrics.hpp"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cassert>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "proxy/metric_table.hpp"
#include "proxy/process_facts.hpp"

namespace fairlead {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using Label = ClientMetric::Label;
using Labels = std::vector<Label>;

constexpr double microseconds_a_second = 1e6;

prometheus::MetricType type_of(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter:
      return prometheus::MetricType::Counter;
    case MetricKind::gauge:
      return prometheus::MetricType::Gauge;
    case MetricKind::histogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

const MetricSpec& spec_of(std::string_view name) {
  const auto specs = metric_specs();
  const auto found = std::find_if(specs.begin(), specs.end(), [&](const auto& spec) { return spec.name == name; });
  assert(found != specs.end() && "every metric stands in metric_table.cpp");
  return *found;
}

// The families of one page, in the order of first use.
class Page {
 public:
  explicit Page(Labels controller) : controller_(std::move(controller)) {}

  void number(std::string_view name, double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = metric.gauge.value = value;  // the family's type says which is shown
    add(name, std::move(metric));
  }
  void number(std::string_view name, std::uint64_t value, Labels labels = {}) {
    number(name, static_cast<double>(value), std::move(labels));
  }

  void histogram(std::string_view name, ClientMetric::Histogram histogram, Labels labels) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.histogram = std::move(histogram);
    add(name, std::move(metric));
  }

  std::vector<MetricFamily> families() && { return std::move(families_); }

 private:
  void add(std::string_view name, ClientMetric metric) {
    if (name.starts_with("nginx_ingress_controller_")) {
      metric.label.insert(metric.label.begin(), controller_.begin(), controller_.end());
    }
    family(name).metric.push_back(std::move(metric));
  }

  MetricFamily& family(std::string_view name) {
    const auto found = by_name_.find(name);
    if (found != by_name_.end()) return families_[found->second];
    const MetricSpec& spec = spec_of(name);
    by_name_.emplace(spec.name, families_.size());
    return families_.emplace_back(MetricFamily{std::string(spec.name), std::string(spec.help), type_of(spec.kind), {}});
  }

  const Labels controller_;
  std::vector<MetricFamily> families_;
  std::map<std::string_view, std::size_t> by_name_;
};

// One series of requests as several Workers hold it.
using SameSeries = std::vector<const RequestSeries*>;

auto identity(const RequestSeries& series) {
  return std::tie(series.ns, series.ingress, series.host, series.path, series.service, series.method, series.status);
}

template <std::size_t BoundCount>
ClientMetric::Histogram sum_of(const SameSeries& same, Buckets<BoundCount> RequestSeries::*buckets,
                               const std::array<std::uint64_t, BoundCount>& bounds, double unit) {
  std::array<std::uint64_t, BoundCount + 1> counts{};
  std::uint64_t sum = 0;
  for (const RequestSeries* series : same) {
    for (std::size_t i = 0; i <= BoundCount; ++i) counts[i] += (series->*buckets).count(i);
    sum += (series->*buckets).sum();
  }
  ClientMetric::Histogram histogram;
  for (std::size_t i = 0; i < BoundCount; ++i) {
    histogram.sample_count += counts[i];
    histogram.bucket.push_back({histogram.sample_count, static_cast<double>(bounds[i]) / unit});
  }
  histogram.sample_count += counts[BoundCount];
  histogram.bucket.push_back({histogram.sample_count, std::numeric_limits<double>::infinity()});
  histogram.sample_sum = static_cast<double>(sum) / unit;
  return histogram;
}

Labels labels_of(const RequestSeries& series) {
  Labels labels;
  if (!series.host.empty()) labels.push_back({"host", series.host});
  labels.insert(labels.end(), {{"path", series.path},
                               {"namespace", series.ns},
                               {"ingress", series.ingress},
                               {"service", series.service},
                               {"method", series.method},
                               {"status", series.status},
                               {"canary", ""}});
  return labels;
}

// Only what there was: most requests are not of gRPC, and most of those are told one of few things.
void add_grpc(Page& page, const SameSeries& same, const Labels& labels) {
  for (std::size_t i = 0; i <= grpc_status_count; ++i) {
    std::uint64_t requests = 0;
    for (const RequestSeries* series : same) requests += series->grpc[i].value();
    if (requests == 0) continue;
    Labels more = labels;
    more.push_back({"grpc_status", i < grpc_status_count ? std::to_string(i) : "none"});
    page.number("fairlead_grpc_requests_total", requests, std::move(more));
  }
}

void add_series(Page& page, const SameSeries& same) {
  const Labels labels = labels_of(*same.front());
  const auto histogram = [&](std::string_view name, auto buckets, const auto& bounds, double unit) {
    page.histogram(name, sum_of(same, buckets, bounds, unit), labels);
  };
  std::uint64_t requests = 0;
  for (const RequestSeries* series : same) requests += series->requests.value();
  page.number("nginx_ingress_controller_requests", requests, labels);
  add_grpc(page, same, labels);
  using Series = RequestSeries;
  const double seconds = microseconds_a_second;
  histogram("nginx_ingress_controller_request_duration_seconds", &Series::request_duration, time_bounds, seconds);
  histogram("nginx_ingress_controller_response_duration_seconds", &Series::response_duration, time_bounds, seconds);
  histogram("nginx_ingress_controller_header_duration_seconds", &Series::header_duration, time_bounds, seconds);
  histogram("nginx_ingress_controller_connect_duration_seconds", &Series::connect_duration, time_bounds, seconds);
  histogram("nginx_ingress_controller_request_size", &Series::request_size, length_bounds, 1);
  histogram("nginx_ingress_controller_response_size", &Series::response_size, length_bounds, 1);
  histogram("nginx_ingress_controller_bytes_sent", &Series::bytes_sent, size_bounds, 1);
}

void add_certificates(Page& page, const CertificateStore& certificates, const std::string& controller_class) {
  for (const CertificateFacts& facts : certificates.facts()) {
    Labels labels{{"namespace", facts.ns},
                  {"class", controller_class},
                  {"host", facts.host},
                  {"secret_name", facts.secret},
                  {"identifier", facts.secret + "-" + facts.serial_number}};
    page.number("nginx_ingress_controller_ssl_expire_time_seconds", static_cast<double>(facts.not_after_unix), labels);
    labels.insert(labels.end(), {{"issuer_organization", facts.issuer_organization},
                                 {"issuer_common_name", facts.issuer_common_name},
                                 {"serial_number", facts.serial_number},
                                 {"public_key_algorithm", facts.key_algorithm}});
    page.number("nginx_ingress_controller_ssl_certificate_info", 1.0, std::move(labels));
  }
}

void add_orphans(Page& page, const RouteTable& routes) {
  std::set<std::tuple<std::string, std::string, std::string>> orphans;
  for (const auto& host : routes.hosts()) {
    for (const Path& path : host->paths) {
      const Route& route = *path.route;
      if (route.ingress.empty() || route.upstream_key.empty()) continue;
      const UpstreamEntry* const upstream = routes.upstream(route.upstream_key);
      if (upstream && !upstream->endpoints.empty()) continue;
      orphans.emplace(route.ns, route.ingress, upstream ? "no-endpoint" : "no-service");
    }
  }
  for (const auto& [ns, ingress, type] : orphans) {
    page.number("nginx_ingress_controller_orphan_ingress", 1.0,
                {{"namespace", ns}, {"ingress", ingress}, {"type", type}});
  }
}

void add_process(Page& page) {
  const ProcessFacts facts = ProcessFacts::read();
  for (const std::string prefix : {"nginx_ingress_controller_nginx_process_", "process_"}) {
    page.number(prefix + "cpu_seconds_total", facts.cpu_seconds);
    page.number(prefix + "resident_memory_bytes", facts.resident_bytes);
    page.number(prefix + "virtual_memory_bytes", facts.virtual_bytes);
  }
  page.number("nginx_ingress_controller_nginx_process_oldest_start_time_seconds", facts.start_time_unix);
  page.number("nginx_ingress_controller_nginx_process_num_procs", 1.0);
  page.number("process_start_time_seconds", facts.start_time_unix);
  page.number("process_open_fds", facts.open_descriptors);
  page.number("process_max_fds", facts.max_descriptors);
}

double unix_seconds(std::chrono::system_clock::time_point when) {
  return std::chrono::duration<double>(when.time_since_epoch()).count();
}

}  // namespace

void WorkerMetrics::record(const ExchangeRecord& record) {
  counters.requests.add();
  if (record.http_major == 2) {
    counters.requests_http2.add();
  } else if (record.http_minor == 0) {
    counters.requests_http10.add();
  }
  if (record.attempt_count > 1) counters.retries.add(record.attempt_count - 1);
  if (!record.limit.empty()) counters.limit_hits.add(record.limit);
  requests.record(record);
}

class Metrics::Collector final : public prometheus::Collectable {
 public:
  explicit Collector(MetricsSources sources) : sources_(std::move(sources)) {}

  std::vector<MetricFamily> Collect() const override {
    Page page({{"controller_namespace", sources_.controller_namespace},
               {"controller_class", sources_.controller_class},
               {"controller_pod", sources_.controller_pod}});
    add_requests(page);
    add_connections(page);
    add_process(page);
    add_snapshot(page);
    add_problems(page);
    add_limits(page);
    add_contacts(page);
    add_written_back(page);
    return std::move(page).families();
  }

 private:
  std::uint64_t total(Counter WorkerCounters::*counter) const {
    std::uint64_t sum = 0;
    for (const WorkerMetrics* worker : sources_.workers) sum += (worker->counters.*counter).value();
    return sum;
  }

  double total(Level WorkerCounters::*level) const {
    std::int64_t sum = 0;
    for (const WorkerMetrics* worker : sources_.workers) sum += (worker->counters.*level).value();
    return static_cast<double>(sum);
  }

  void add_requests(Page& page) const {
    RequestMetrics::SeriesList held;  // keeps the series alive while we look
    std::uint64_t overflowed = 0;
    for (const WorkerMetrics* worker : sources_.workers) {
      const auto series = worker->requests.series();
      held.insert(held.end(), series.begin(), series.end());
      overflowed += worker->requests.dropped();
    }
    page.number("fairlead_metric_series", std::uint64_t{held.size()});
    page.number("fairlead_metric_series_overflow_total", overflowed);
    page.number("fairlead_workers", std::uint64_t{sources_.workers.size()});
    std::sort(held.begin(), held.end(), [](const auto& a, const auto& b) { return identity(*a) < identity(*b); });
    SameSeries same;
    for (std::size_t i = 0; i < held.size(); ++i) {
      same.push_back(held[i].get());
      if (i + 1 < held.size() && identity(*held[i]) == identity(*held[i + 1])) continue;
      add_series(page, same);
      same.clear();
    }
  }

  void add_connections(Page& page) const {
    const auto state = [](const char* name) { return Labels{{"state", name}}; };
    constexpr std::string_view now = "nginx_ingress_controller_nginx_process_connections";
    page.number(now, total(&WorkerCounters::active), state("active"));
    page.number(now, total(&WorkerCounters::reading), state("reading"));
    page.number(now, total(&WorkerCounters::writing), state("writing"));
    page.number(now, total(&WorkerCounters::waiting), state("waiting"));
    constexpr std::string_view so_far = "nginx_ingress_controller_nginx_process_connections_total";
    const std::uint64_t handled = total(&WorkerCounters::accepted);
    const std::uint64_t shed = total(&WorkerCounters::shed);
    page.number(so_far, handled + shed, state("accepted"));
    page.number(so_far, handled, state("handled"));
    page.number("nginx_ingress_controller_nginx_process_requests_total", total(&WorkerCounters::requests));
    add_protocols(page);
    page.number("fairlead_connections_shed_total", shed);
    page.number("fairlead_accept_errors_total", total(&WorkerCounters::accept_errors));
    page.number("fairlead_tls_handshakes_total", total(&WorkerCounters::tls_handshakes));
    page.number("fairlead_http2_connections_total", total(&WorkerCounters::http2_connections));
    page.number("fairlead_tls_failures_total", total(&WorkerCounters::tls_failures));
    page.number("fairlead_upstream_connects_total", total(&WorkerCounters::upstream_connects));
    page.number("fairlead_upstream_connect_failures_total", total(&WorkerCounters::upstream_connect_failures));
    page.number("fairlead_upstream_reuses_total", total(&WorkerCounters::upstream_reuses));
    page.number("fairlead_retries_total", total(&WorkerCounters::retries));
    page.number("fairlead_access_log_dropped_lines_total", total(&WorkerCounters::access_log_dropped));
  }

  void add_protocols(Page& page) const {
    constexpr std::string_view name = "fairlead_requests_by_protocol_total";
    const std::uint64_t http10 = total(&WorkerCounters::requests_http10);
    const std::uint64_t http2 = total(&WorkerCounters::requests_http2);
    const std::uint64_t all = std::max(total(&WorkerCounters::requests), http10 + http2);  // counted while we look
    page.number(name, http10, {{"protocol", "HTTP/1.0"}});
    page.number(name, all - http10 - http2, {{"protocol", "HTTP/1.1"}});
    page.number(name, http2, {{"protocol", "HTTP/2.0"}});
  }

  void add_snapshot(Page& page) const {
    page.number("nginx_ingress_controller_build_info", 1.0,
                {{"release", FAIRLEAD_VERSION}, {"build", ""}, {"repository", ""}});
    const auto snapshot = sources_.snapshot ? sources_.snapshot() : nullptr;
    const std::uint64_t generation = snapshot ? snapshot->generation : 0;
    page.number("nginx_ingress_controller_config_hash", generation);
    page.number("nginx_ingress_controller_config_last_reload_successful", snapshot ? 1.0 : 0.0);
    page.number("nginx_ingress_controller_success", generation);
    page.number("nginx_ingress_controller_errors", 0.0);
    page.number("fairlead_snapshot_generation", generation);
    if (!snapshot) return;
    page.number("nginx_ingress_controller_config_last_reload_successful_timestamp_seconds",
                unix_seconds(snapshot->published));
    const auto age = std::chrono::system_clock::now() - snapshot->published;
    page.number("fairlead_snapshot_age_seconds", std::max(0.0, std::chrono::duration<double>(age).count()));
    if (snapshot->certificates) add_certificates(page, *snapshot->certificates, sources_.controller_class);
    if (!snapshot->routes) return;
    page.number("fairlead_hosts", std::uint64_t{snapshot->routes->host_count()});
    page.number("fairlead_paths", std::uint64_t{snapshot->routes->path_count()});
    page.number("fairlead_upstreams", std::uint64_t{snapshot->routes->upstream_count()});
    add_orphans(page, *snapshot->routes);
  }

  void add_problems(Page& page) const {
    const auto problems = sources_.problems ? sources_.problems() : nullptr;
    constexpr std::pair<Severity, const char*> severities[] = {
        {Severity::notice, "notice"}, {Severity::warning, "warning"}, {Severity::error, "error"}};
    for (const auto& [severity, name] : severities) {
      const auto is_one = [wanted = severity](const Problem& problem) { return problem.severity == wanted; };
      const auto count = problems ? std::count_if(problems->begin(), problems->end(), is_one) : 0;
      page.number("fairlead_problems", static_cast<double>(count), {{"severity", name}});
    }
  }

  void add_limits(Page& page) const {
    const auto names = LimitHits::names();
    for (std::size_t i = 0; i < names.size(); ++i) {
      std::uint64_t hits = 0;
      for (const WorkerMetrics* worker : sources_.workers) hits += worker->counters.limit_hits.value(i);
      page.number("fairlead_limit_hits_total", hits, {{"limit", std::string(names[i])}});
    }
  }

  void add_contacts(Page& page) const {
    if (!sources_.api_contact_ages) return;
    for (const auto& [resource, age] : sources_.api_contact_ages()) {
      page.number("fairlead_api_last_contact_age_seconds", age, {{"resource", resource}});
    }
  }

  void add_written_back(Page& page) const {
    if (!sources_.written_back) return;
    const WrittenBack written = sources_.written_back();
    page.number("nginx_ingress_controller_leader_election_status", written.leading ? 1.0 : 0.0,
                {{"name", written.election_id}});
    page.number("fairlead_status_pending", written.status_pending);
    page.number("fairlead_status_writes_total", written.status_written, {{"result", "written"}});
    page.number("fairlead_status_writes_total", written.status_failed, {{"result", "failed"}});
    page.number("fairlead_events_total", written.events_written, {{"result", "written"}});
    page.number("fairlead_events_total", written.events_dropped, {{"result", "dropped"}});
  }

  const MetricsSources sources_;
};

Metrics::Metrics(MetricsSources sources) : collector_(std::make_unique<Collector>(std::move(sources))) {}

Metrics::~Metrics() = default;

std::string Metrics::page() const {
  return prometheus::TextSerializer().prometheus::Serializer::Serialize(collector_->Collect());
}

}  // namespace fairlead

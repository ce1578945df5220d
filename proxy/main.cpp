#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <random>

#include "proxy/admin.hpp"
#include "proxy/options.hpp"
#include "proxy/program_log.hpp"
#include "proxy/publisher.hpp"
#include "proxy/shutdown.hpp"
#include "proxy/thread_priority.hpp"
#include "proxy/workers.hpp"
#include "watcher/api_config.hpp"
#include "watcher/watcher.hpp"

namespace fairlead {
namespace {

constexpr int failed = 1;
constexpr std::chrono::seconds stop_reporting_time{10};  // after the drain, which runs beside it

std::string own_namespace(const Options& options) {
  return options.pod_namespace.empty() ? PodEnvironment::of_this_process().own_namespace() : options.pod_namespace;
}

WatchOptions watch_options(const Options& options) {
  WatchOptions watch;
  if (!options.manifests.empty()) watch.manifests = options.manifests;
  watch.api = {options.kubeconfig, options.kubeconfig_context, options.apiserver_host};
  watch.watch_namespace = options.watch_namespace;
  watch.namespace_selector = options.watch_namespace_selector;
  if (!watch.namespace_selector.empty()) {
    watch.translate.namespace_selector = LabelSelector::parse(watch.namespace_selector).value();  // read once already
  }
  watch.translate.ingress_class = options.ingress_class;
  watch.translate.controller_class = options.controller_class;
  watch.translate.watch_ingress_without_class = options.watch_ingress_without_class;
  watch.translate.default_backend_service = options.default_backend_service;
  watch.translate.default_ssl_certificate = options.default_ssl_certificate;
  watch.translate.annotations_prefix = options.annotations_prefix;
  watch.translate.external_names = !options.disable_svc_external_name;
  watch.translate.topology_hints = options.enable_topology_aware_routing;
  watch.names.servers = options.dns_servers;
  watch.pod = {own_namespace(options), options.pod_name};
  return watch;
}

// Unlike that of any other replica, even where pods are not named.
std::string identity_of(const Options& options) {
  if (!options.pod_name.empty()) return options.pod_name;
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  std::random_device random;
  return fmt::format("{}_{:08x}{:08x}", host.data(), random(), random());
}

std::optional<ReportOptions> report_options(const Options& options, Log& log) {
  if (!options.manifests.empty()) return std::nullopt;
  ReportOptions report;
  report.elect = !options.disable_leader_election;
  report.update_status = options.update_status;
  report.withdraw_on_stop = options.update_status_on_shutdown;
  report.sync_events = !options.disable_sync_events;
  report.lease.ns = own_namespace(options);
  report.lease.name = options.election_id;
  report.lease.identity = identity_of(options);
  report.lease.duration = options.election_ttl;
  report.addresses.publish_service = options.publish_service;
  report.addresses.publish_status_address = options.publish_status_address;
  report.addresses.node_internal_ip = options.report_node_internal_ip_address;
  report.addresses.node_refresh = options.status_update_interval;
  report.addresses.pod = {report.lease.ns, options.pod_name};
  if (report.elect && report.lease.ns.empty()) {
    log.warning(
        "POD_NAMESPACE is not set, so that there is no place for the Lease of the leader: neither status nor Events "
        "are written. Set it, or use --disable-leader-election");
    return std::nullopt;
  }
  return report;
}

WrittenBack written_back(const ReportFigures& figures, const std::string& election_id) {
  return {.election_id = election_id,
          .leading = figures.leading,
          .status_pending = figures.status_pending,
          .status_written = figures.status_written,
          .status_failed = figures.status_failed,
          .events_written = figures.events_written,
          .events_dropped = figures.events_dropped};
}

// One descriptor a connection and one for its upstream: take all that we may have.
void raise_descriptor_limit(Log& log) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) log.warning("the limit of open files could not be raised");
}

int fail(Log& log, const Failure& failure) {
  log.error(failure.message);
  return failed;
}

AdminOptions admin_options(const Options& options) {
  AdminOptions admin;
  admin.host = options.healthz_host;
  admin.port = options.healthz_port;
  admin.health_check_path = options.health_check_path;
  return admin;
}

MetricsSources metrics_sources(const Options& options, Workers& workers, Publisher& publisher,
                               const WatchOptions& watch) {
  MetricsSources sources;
  sources.workers = workers.metrics();
  sources.snapshot = [&publisher] { return publisher.snapshot(); };
  sources.problems = [&publisher] { return publisher.problems(); };
  sources.controller_namespace = options.pod_namespace;
  sources.controller_class = options.controller_class;
  sources.controller_pod = options.pod_name;
  if (!watch.manifests) {
    sources.api_contact_ages = [contacts = watch.contacts] { return contacts->ages(std::chrono::steady_clock::now()); };
  }
  if (watch.report) {
    sources.written_back = [figures = watch.report_figures, id = options.election_id] {
      return written_back(*figures, id);
    };
  }
  return sources;
}

std::string scrape(const Metrics& metrics, const Publisher& publisher, Workers& workers) {
  if (const auto snapshot = publisher.snapshot()) workers.retain_series(snapshot->routes);
  return metrics.page();
}

int run(const Options& options) {
  const std::unique_ptr<Log> log = make_program_log(options.log_level, options.program_log_format);
  for (const std::string& warning : options.warnings) log->warning(warning);
  raise_descriptor_limit(*log);
  block_stop_signals();

  auto workers = Workers::start(options, *log);
  if (!workers) return fail(*log, workers.error());
  give_way_to_workers();  // with all threads that begin from here on
  Publisher publisher(*log, [&](const std::shared_ptr<const Snapshot>& snapshot) { (*workers)->publish(snapshot); });
  WatchOptions watch = watch_options(options);
  watch.report = report_options(options, *log);
  const Metrics metrics(metrics_sources(options, **workers, publisher, watch));

  AdminSources sources;
  sources.ready = &(*workers)->ready();
  if (options.enable_metrics) sources.metrics = [&] { return scrape(metrics, publisher, **workers); };
  sources.problems = [&publisher] { return publisher.problems(); };
  sources.snapshot = [&publisher] { return publisher.snapshot(); };
  auto admin = Admin::start(admin_options(options), std::move(sources), *log);
  if (!admin) return fail(*log, admin.error());

  const Ready& ready = (*workers)->ready();
  auto watcher = Watcher::start(
      watch, *log, [&](ConfigUpdate update) { publisher.update(update.generation, update.delta, update.problems); },
      [&ready] { return ready.live_generation(); });
  if (!watcher) return fail(*log, watcher.error());
  log->info(fmt::format("listening: http {}, https {}, admin {}", (*workers)->http_port(), (*workers)->https_port(),
                        (*admin)->port()));
  serve_until_stopped(options, **workers, *log, [&] { (*watcher)->stop_reporting(); });
  (*watcher)->wait_reported(stop_reporting_time);
  return 0;
}

}  // namespace
}  // namespace fairlead

int main(int argc, char** argv) {
  const auto parsed = fairlead::parse_options(argc, argv, fairlead::Surroundings::of_this_process());
  if (const auto* exit = std::get_if<fairlead::ParseExit>(&parsed)) {
    std::fputs(exit->text.c_str(), exit->code == 0 ? stdout : stderr);
    return exit->code;
  }
  return fairlead::run(std::get<fairlead::Options>(parsed));
}

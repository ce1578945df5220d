#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdio>

#include "proxy/admin.hpp"
#include "proxy/options.hpp"
#include "proxy/program_log.hpp"
#include "proxy/publisher.hpp"
#include "proxy/shutdown.hpp"
#include "proxy/workers.hpp"
#include "watcher/watcher.hpp"

namespace fairlead {
namespace {

constexpr int wrong_usage = 2;
constexpr int failed = 1;

WatchOptions watch_options(const Options& options) {
  WatchOptions watch;
  if (!options.manifests.empty()) watch.manifests = options.manifests;
  watch.kubeconfig = options.kubeconfig;
  watch.apiserver_host = options.apiserver_host;
  watch.watch_namespace = options.watch_namespace;
  watch.translate.ingress_class = options.ingress_class;
  watch.translate.controller_class = options.controller_class;
  watch.translate.watch_ingress_without_class = options.watch_ingress_without_class;
  watch.translate.default_backend_service = options.default_backend_service;
  watch.translate.default_ssl_certificate = options.default_ssl_certificate;
  watch.translate.annotations_prefix = options.annotations_prefix;
  return watch;
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

MetricsSources metrics_sources(const Options& options, Workers& workers, Publisher& publisher) {
  MetricsSources sources;
  sources.workers = workers.metrics();
  sources.snapshot = [&publisher] { return publisher.snapshot(); };
  sources.problems = [&publisher] { return publisher.problems(); };
  sources.controller_namespace = options.pod_namespace;
  sources.controller_class = options.controller_class;
  sources.controller_pod = options.pod_name;
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
  Publisher publisher(*log, [&](const std::shared_ptr<const Snapshot>& snapshot) { (*workers)->publish(snapshot); });
  const Metrics metrics(metrics_sources(options, **workers, publisher));

  AdminSources sources;
  sources.ready = &(*workers)->ready();
  if (options.enable_metrics) sources.metrics = [&] { return scrape(metrics, publisher, **workers); };
  sources.problems = [&publisher] { return publisher.problems(); };
  sources.snapshot = [&publisher] { return publisher.snapshot(); };
  auto admin = Admin::start(admin_options(options), std::move(sources), *log);
  if (!admin) return fail(*log, admin.error());

  auto watcher = Watcher::start(watch_options(options), *log, [&](ConfigUpdate update) {
    publisher.update(update.generation, update.delta, std::move(update.problems));
  });
  if (!watcher) return fail(*log, watcher.error());
  log->info(fmt::format("listening: http {}, https {}, admin {}", (*workers)->http_port(), (*workers)->https_port(),
                        (*admin)->port()));
  serve_until_stopped(options, **workers, *log);
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

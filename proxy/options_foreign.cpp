#include "proxy/options_flags.hpp"

namespace fairlead {
namespace {

using enum ForeignFlag::Treatment;

constexpr std::string_view no_nginx = "there is no nginx to configure";
constexpr std::string_view fixed_buckets = "the buckets of the metrics are fixed";
constexpr std::string_view no_profiler = "there is no profiler to listen for";
constexpr std::string_view no_geo = "there is no GeoIP";
constexpr std::string_view no_webhook_server = "there is no validating webhook";
constexpr std::string_view klog = "the program's log goes to standard error; see -v and --program-log-format";

constexpr ForeignFlag foreign[] = {
    {"enable-ssl-passthrough", true, refused,
     "TLS passthrough is not supported yet: hosts that rely on it would be terminated here instead", "false"},
    {"validating-webhook", false, refused,
     "there is no validating webhook yet: the API server would wait for its answers. Remove the flag and the "
     "ValidatingWebhookConfiguration; mistakes are shown on /problems"},
    {"disable-catch-all", true, refused,
     "Ingresses without a host cannot be refused yet: they would be served for every unknown host", "false"},
    {"certificate-authority", false, refused,
     "the API server's certificate authority is read from a kubeconfig: use --kubeconfig"},

    {"ingress-class-by-name", true, ignored, "IngressClasses are matched by spec.controller only", "false"},
    {"default-server-port", false, ignored, "unknown hosts are answered by the program itself"},
    {"tcp-services-configmap", false, ignored, "TCP services are not supported yet: their ports are not opened"},
    {"udp-services-configmap", false, ignored, "UDP services are not supported yet: their ports are not opened"},
    {"ssl-passthrough-proxy-port", false, ignored, "TLS passthrough is not supported yet"},
    {"health-check-timeout", false, ignored, "the health check asks nobody else, so it cannot be slow"},
    {"exclude-socket-metrics", false, ignored, "the metrics of requests are not selected by name"},
    {"time-buckets", false, ignored, fixed_buckets},
    {"length-buckets", false, ignored, fixed_buckets},
    {"size-buckets", false, ignored, fixed_buckets},
    {"bucket-factor", false, ignored, fixed_buckets},
    {"max-buckets", false, ignored, fixed_buckets},
    {"monitor-max-batch-size", false, ignored, "every request is counted; there are no batches"},
    {"validating-webhook-certificate", false, ignored, no_webhook_server},
    {"validating-webhook-key", false, ignored, no_webhook_server},
    {"disable-full-test", true, ignored, no_webhook_server},
    {"deep-inspect", true, ignored, no_nginx, "true"},
    {"enable-annotation-validation", true, ignored, "annotations are always validated", "true"},
    {"sync-rate-limit", false, ignored, "changes apply at once"},
    {"sync-period", false, ignored, "everything is watched; there is nothing to repeat"},
    {"dynamic-configuration-retries", false, ignored, no_nginx},
    {"enable-ssl-chain-completion", true, ignored, "certificate chains are served as they are in the Secret", "false"},
    {"profiling", true, ignored, no_profiler, "false"},
    {"profiler-port", false, ignored, no_profiler},
    {"profiler-address", false, ignored, no_profiler},
    {"internal-logger-address", false, ignored, no_nginx},
    {"status-port", false, ignored, no_nginx},
    {"stream-port", false, ignored, no_nginx},
    {"maxmind-license-key", false, ignored, no_geo},
    {"maxmind-edition-ids", false, ignored, no_geo},
    {"maxmind-mirror", false, ignored, no_geo},
    {"maxmind-retries-count", false, ignored, no_geo},
    {"maxmind-retries-timeout", false, ignored, no_geo},
    {"logtostderr", true, ignored, klog, "true"},
    {"alsologtostderr", true, ignored, klog, "true"},
    {"stderrthreshold", false, ignored, klog},
    {"vmodule", false, ignored, klog},
};

}  // namespace

std::span<const ForeignFlag> foreign_flags() {
  return foreign;
}

}  // namespace fairlead

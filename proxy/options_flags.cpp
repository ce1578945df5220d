#include "proxy/options_flags.hpp"

#include <algorithm>
#include <cctype>

#include "proxy/options_flag_kinds.hpp"
#include "router/base/label_selector.hpp"

namespace fairlead {
namespace {

using namespace flag_kinds;
using Complaint = Flag::Complaint;
using Milliseconds = std::chrono::milliseconds;

constexpr std::uint64_t max_workers = 1024;
constexpr std::size_t max_dns_servers = 8;
constexpr std::size_t max_server_header = 256;

Flag selector(std::string_view name, std::string_view argument, std::string_view help, std::string Options::*field) {
  Flag flag = text(name, argument, help, field);
  flag.read = [read = flag.read](Options& options, std::string_view value) -> Complaint {
    const auto parsed = LabelSelector::parse(value);
    if (!parsed) return "must be a label selector such as team=shop, and " + parsed.error().message;
    return read(options, value);
  };
  return flag;
}

Flag port(std::string_view name, std::string_view help, std::uint16_t Options::*field) {
  return count(
      name, "PORT", help, 0, 65'535, [=](auto& options) -> auto& { return options.*field; });
}

Flag stop_time(std::string_view name, std::string_view help, Milliseconds Options::*field) {
  return time(
      name, help, true, [=](auto& options) -> auto& { return options.*field; });
}

// klog's levels: 0 to 2 say what happens, 3 and more why.
Flag verbosity() {
  return {.group = {},
          .name = "v",
          .argument = "N",
          .help = "As with klog: from 3 on, like --log-level debug.",
          .read = [](Options& options, std::string_view value) -> Complaint {
            const auto level = parse_count(value, 100);
            if (!level) return "must be a whole number";
            options.log_level = *level >= 3 ? LogLevel::debug : LogLevel::info;
            return std::nullopt;
          },
          .show = [](const Options&) { return std::string("2"); }};
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_url_path(std::string_view text) {
  return text.front() == '/' && is_printable(text);
}

bool is_address(std::string_view text) {
  return IpAddress::parse(text).has_value();
}

bool is_url(std::string_view text) {
  return (text.starts_with("http://") || text.starts_with("https://")) && is_printable(text) &&
         text.find("//") + 2 < text.size();
}

bool is_address_list(std::string_view text) {
  const std::vector<std::string_view> parts = split_list(text);
  return !parts.empty() && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
    return is_address(part) || is_dns_subdomain(part);
  });
}

// RFC 9110 10.2.4: products, without the comments that it also allows.
bool is_product(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~/ ";
  const auto allowed = [&](unsigned char c) { return std::isalnum(c) != 0 || marks.find(c) != std::string_view::npos; };
  return text.size() <= max_server_header && text.front() != ' ' && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(), allowed);
}

// "10.96.0.10", "10.96.0.10:53", "fd00::a", "[fd00::a]:53"
bool is_server(std::string_view text) {
  if (is_address(text)) return true;
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view host = text.substr(0, colon);
  const auto server_port = parse_count(text.substr(colon + 1), 65'535);
  const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  return server_port && *server_port > 0 && address && bracketed == (host.find(':') != std::string_view::npos);
}

bool is_server_list(std::string_view text) {
  const std::vector<std::string_view> parts = split_list(text);
  return !parts.empty() && parts.size() <= max_dns_servers && std::all_of(parts.begin(), parts.end(), is_server);
}

bool is_anything(std::string_view) {
  return true;
}

std::vector<Flag> source_flags() {
  constexpr std::string_view object = "must be \"namespace/name\"";
  return grouped(
      "What is served",
      {text("manifests", "DIR", "Serve the manifests in this folder, and watch it. No cluster is needed.",
            &Options::manifests),
       text("kubeconfig", "FILE",
            "Read the API server that this file names. Without it and without --manifests: the "
            "service account of the pod.",
            &Options::kubeconfig),
       text("kubeconfig-context", "NAME", "Context of the kubeconfig to use. Empty: its current-context.",
            &Options::kubeconfig_context),
       text("apiserver-host", "URL", "Address of the API server, instead of the one in the kubeconfig.",
            &Options::apiserver_host, is_url, "must be a URL such as https://10.0.0.1:6443"),
       text("watch-namespace", "NAME", "Only objects of this namespace. Empty: of all.", &Options::watch_namespace,
            is_dns_label, "must be the name of a namespace"),
       selector("watch-namespace-selector", "SELECTOR",
                "Only Ingresses of namespaces whose labels it selects, such as `team in (shop,blog)`; they come and go "
                "with the labels. Needs the right to list and watch namespaces.",
                &Options::watch_namespace_selector),
       word("ingress-class", "NAME", "Value of the legacy annotation `kubernetes.io/ingress.class` that is ours.",
            &Options::ingress_class, is_printable, "must be a name without spaces"),
       word("controller-class", "NAME",
            "Value of `spec.controller` of IngressClasses that are ours. "
            "`k8s.io/ingress-nginx` takes over those of ingress-nginx.",
            &Options::controller_class, is_printable, "must be a name such as k8s.io/ingress-nginx"),
       toggle("watch-ingress-without-class", "Also serve Ingresses that name no class.",
              &Options::watch_ingress_without_class),
       text("default-backend-service", "NS/NAME",
            "Service that answers where no path matches, at its first port. "
            "Empty: 404.",
            &Options::default_backend_service, is_object_name, object),
       text("default-ssl-certificate", "NS/NAME",
            "Secret with the certificate for hosts without one of their own. "
            "Empty: one made at start.",
            &Options::default_ssl_certificate, is_object_name, object),
       word("annotations-prefix", "PREFIX", "What the names of annotations begin with.", &Options::annotations_prefix,
            is_dns_subdomain, "must be a DNS name"),
       text("configmap", "NS/NAME", "Accepted, not read yet.", &Options::configmap, is_object_name, object),
       toggle("disable-svc-external-name", "Services of type ExternalName are not served: 503.",
              &Options::disable_svc_external_name),
       toggle("enable-topology-aware-routing",
              "Of a Service's endpoints, use those that their hints mean for our node or zone.",
              &Options::enable_topology_aware_routing),
       text("dns-servers", "ADDRESS[:PORT],…",
            "Who is asked for the names of ExternalName Services. Empty: the servers in /etc/resolv.conf.",
            &Options::dns_servers, is_server_list,
            "must be addresses such as 10.96.0.10, 10.96.0.10:53 or [fd00::a]:53")});
}

std::vector<Flag> report_flags() {
  return grouped(
      "Written back to the cluster",
      {text(
           "publish-service", "NS/NAME",
           "Service whose addresses Ingresses get as theirs. Empty, as is --publish-status-address: the nodes that our "
           "pods run on.",
           &Options::publish_service, is_object_name, "must be \"namespace/name\""),
       text("publish-status-address", "ADDRESS,…", "Addresses or host names that Ingresses get as theirs.",
            &Options::publish_status_address, is_address_list, "must be IP addresses or host names"),
       toggle("report-node-internal-ip-address", "Of nodes: the internal address, though there is an external one.",
              &Options::report_node_internal_ip_address),
       toggle("update-status", "Write the addresses into the status of our Ingresses.", &Options::update_status),
       toggle("update-status-on-shutdown", "The last replica to stop removes them.",
              &Options::update_status_on_shutdown),
       time(
           "status-update-interval", "How often the addresses of nodes are read again; all else is watched.", false,
           [](auto& options) -> auto& { return options.status_update_interval; }),
       word("election-id", "NAME", "Lease in our own namespace that the replica who writes holds.",
            &Options::election_id, is_dns_subdomain, "must be a DNS name"),
       time(
           "election-ttl", "How long after its holder fell silent another replica takes it.", false,
           [](auto& options) -> auto& { return options.election_ttl; }),
       toggle("disable-leader-election", "Write without it: for a single replica.", &Options::disable_leader_election),
       toggle("disable-sync-events", "No Event at an Ingress for each of its changes.",
              &Options::disable_sync_events)});
}

std::vector<Flag> listen_flags() {
  return grouped("Listening",
                 {list("bind-address", "ADDRESS,…", "Addresses to listen on. Empty: every one, IPv4 and IPv6.",
                       &Options::bind_addresses, "must be IP addresses"),
                  port("http-port", "Port for HTTP. 0: the system chooses one.", &Options::http_port),
                  port("https-port", "Port for HTTPS. 0: the system chooses one.", &Options::https_port),
                  count(
                      "workers", "N", "Worker threads. 0: one a processor, as far as the control group's quota goes.",
                      0, max_workers, [](auto& options) -> auto& { return options.workers; }),
                  toggle("http2",
                         "Serve HTTP/2: by ALPN at the HTTPS port, with prior knowledge (h2c) at the HTTP port. "
                         "ingress-nginx has it as `use-http2`.",
                         &Options::http2),
                  toggle("use-proxy-protocol",
                         "Connections begin with a PROXY header (v1 or v2), believed from "
                         "--proxy-real-ip-cidr.",
                         &Options::use_proxy_protocol),
                  toggle("use-forwarded-headers",
                         "Believe X-Forwarded-* of peers in --proxy-real-ip-cidr, instead of replacing "
                         "them.",
                         &Options::use_forwarded_headers),
                  list("proxy-real-ip-cidr", "CIDR,…",
                       "Peers that are believed, such as your load balancer. "
                       "`0.0.0.0/0,::/0` is everybody: any client can then forge its address.",
                       &Options::proxy_real_ip_cidr, "must be blocks of addresses such as 10.0.0.0/8")});
}

std::vector<Flag> show_flags() {
  return grouped(
      "Admin pages, metrics and logs",
      {text("healthz-host", "ADDRESS", "Address of the admin pages. Empty: every one.", &Options::healthz_host,
            is_address, "must be an IP address"),
       port("healthz-port", "Port of the admin pages. 0: the system chooses one.", &Options::healthz_port),
       word("health-check-path", "PATH", "Page that says 200 while the program runs.", &Options::health_check_path,
            is_url_path, "must begin with /"),
       toggle("enable-metrics", "Serve /metrics.", &Options::enable_metrics),
       toggle("metrics-per-host", "Metrics of requests have a label `host`.", &Options::metrics_per_host),
       toggle("metrics-per-undefined-host", "Also for hosts that no Ingress names, instead of `_`.",
              &Options::metrics_per_undefined_host),
       toggle("report-status-classes", "The label `status` says 2xx instead of 200.", &Options::report_status_classes),
       count(
           "max-metric-series", "N",
           "Sets of labels per worker that requests are counted under; more are counted as `overflow`. One takes 27 KB "
           "of a "
           "scrape.",
           1, 1'000'000, [](auto& options) -> auto& { return options.max_metric_series; }),
       word("access-log", "PATH", "File that the access log is appended to, `-` for standard output, or `off`.",
            &Options::access_log, is_anything, "must be a path, - or off"),
       choice<AccessLogFormat>("log-format", "FORMAT",
                               "Of the access log: `upstreaminfo` (the default line of ingress-nginx), "
                               "`upstreaminfo-grpc` (the same with $grpc_status behind it) or `json`.",
                               &Options::log_format,
                               {{"upstreaminfo", AccessLogFormat::upstreaminfo},
                                {"upstreaminfo-grpc", AccessLogFormat::upstreaminfo_grpc},
                                {"json", AccessLogFormat::json}}),
       choice<ProgramLogFormat>("program-log-format", "FORMAT",
                                "Of the program's own log on standard error: `text` or "
                                "`json`.",
                                &Options::program_log_format,
                                {{"text", ProgramLogFormat::text}, {"json", ProgramLogFormat::json}}),
       verbosity(),
       choice<LogLevel>("log-level", "LEVEL",
                        "What the program's own log shows: `error`, `warning`, `info` or `debug`.", &Options::log_level,
                        {{"error", LogLevel::error},
                         {"warning", LogLevel::warning},
                         {"info", LogLevel::info},
                         {"debug", LogLevel::debug}}),
       text("server-header", "NAME",
            "Responses carry `Server: NAME`. Empty: none; what a service sends is removed either way.",
            &Options::server_header, is_product, "must be a product name such as nginx or example/1.0")});
}

std::vector<Flag> stop_flags() {
  return grouped(
      "Stopping",
      {stop_time("shutdown-grace-period", "After SIGTERM: how long to serve on, not ready and with Connection: close.",
                 &Options::shutdown_grace_period),
       stop_time("drain-timeout", "Then: how long requests under way may take.", &Options::drain_timeout),
       stop_time("post-shutdown-grace-period", "Then: how long to wait before the program ends.",
                 &Options::post_shutdown_grace_period)});
}

}  // namespace

const std::vector<Flag>& flags() {
  static const std::vector<Flag> all = [] {
    std::vector<Flag> result;
    for (auto* part : {source_flags, report_flags, listen_flags, show_flags, stop_flags, limit_flags}) {
      for (Flag& flag : part()) result.push_back(std::move(flag));
    }
    return result;
  }();
  return all;
}

}  // namespace fairlead

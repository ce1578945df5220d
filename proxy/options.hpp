#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "proxy/access_log.hpp"
#include "proxy/limits.hpp"
#include "proxy/program_log.hpp"
#include "router/base/ip_address.hpp"
#include "router/base/log.hpp"

namespace fairlead {

// What the command line asks for, checked. Defaults are those of --help.
struct Options {
  // Where objects come from, and which are ours.
  std::string manifests;           // "" = an API server
  std::string kubeconfig_context;  // "" = the current one
  std::string kubeconfig;
  std::string apiserver_host;
  std::string watch_namespace;           // "" = all
  std::string watch_namespace_selector;  // of labels; "" = all
  std::string ingress_class = "nginx";
  std::string controller_class = "fairlead.dev/ingress-controller";
  bool watch_ingress_without_class = false;
  std::string default_backend_service;  // "ns/name"
  std::string default_ssl_certificate;  // "ns/name"
  std::string annotations_prefix = "nginx.ingress.kubernetes.io";
  std::string configmap;  // accepted, not read yet
  bool disable_svc_external_name = false;
  bool enable_topology_aware_routing = false;
  std::string dns_servers;  // "10.96.0.10,[fd00::a]:5353"; "" = those of /etc/resolv.conf

  // What is written back to the API server.
  std::string publish_service;         // "ns/name"
  std::string publish_status_address;  // "203.0.113.1,lb.example.com"
  bool report_node_internal_ip_address = false;
  bool update_status = true;
  bool update_status_on_shutdown = true;
  std::chrono::milliseconds status_update_interval{60'000};
  std::string election_id = "ingress-controller-leader";
  std::chrono::milliseconds election_ttl{30'000};
  bool disable_leader_election = false;
  bool disable_sync_events = false;

  // Where we listen.
  std::vector<IpAddress> bind_addresses;  // empty = every one, IPv4 and IPv6
  std::uint16_t http_port = 80;           // 0 = the system chooses
  std::uint16_t https_port = 443;
  std::size_t workers = 0;  // 0 = default_worker_count()
  bool http2 = true;        // of clients: by ALPN over TLS, with prior knowledge without (ingress-nginx: use-http2)
  bool use_proxy_protocol = false;

  // Who is believed.
  bool use_forwarded_headers = false;
  std::vector<Cidr> proxy_real_ip_cidr;  // peers whose forwarded headers and PROXY headers are believed

  // What is shown.
  std::string healthz_host;  // "" = every address
  std::uint16_t healthz_port = 10254;
  std::string health_check_path = "/healthz";
  bool enable_metrics = true;
  bool metrics_per_host = true;
  bool metrics_per_undefined_host = false;
  bool report_status_classes = false;
  std::size_t max_metric_series = 4'000;  // per Worker
  std::string access_log = "-";           // "off", "-" or a path
  AccessLogFormat log_format = AccessLogFormat::upstreaminfo;
  LogLevel log_level = LogLevel::info;
  ProgramLogFormat program_log_format = ProgramLogFormat::text;
  std::string server_header;  // what the field Server of every response says; "" = there is none

  // Stopping: unready, wait shutdown_grace_period, stop accepting, drain up to drain_timeout, wait post_shutdown…,
  // exit.
  std::chrono::milliseconds shutdown_grace_period{0};
  std::chrono::milliseconds drain_timeout{240'000};
  std::chrono::milliseconds post_shutdown_grace_period{0};

  Limits limits;

  std::string pod_name;               // $POD_NAME
  std::string pod_namespace;          // $POD_NAMESPACE
  std::vector<std::string> warnings;  // flags that were accepted and mean nothing here: to be logged
};

// The program ends at once: --help and --version with 0 on standard output, a wrong flag with 2 on standard error.
struct ParseExit {
  int code = 0;
  std::string text;
};

// What is read from the environment.
struct Surroundings {
  bool in_cluster = false;  // KUBERNETES_SERVICE_HOST is set
  std::string pod_name, pod_namespace;

  static Surroundings of_this_process();
};

std::variant<Options, ParseExit> parse_options(int argc, const char* const* argv, const Surroundings& surroundings);

// The README's table of flags, as Markdown.
std::string flag_table();

}  // namespace fairlead

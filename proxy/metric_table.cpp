#include "proxy/metric_table.hpp"

namespace fairlead {
namespace {

using enum MetricKind;

constexpr std::string_view request_labels = "host, path, namespace, ingress, service, method, status, canary";

constexpr MetricSpec specs[] = {
    // What ingress-nginx's dashboards and alerts ask for.
    {"nginx_ingress_controller_requests", counter, request_labels, "Requests answered."},
    {"nginx_ingress_controller_request_duration_seconds", histogram, request_labels,
     "From the first byte of a request to the last of its response."},
    {"nginx_ingress_controller_response_duration_seconds", histogram, request_labels,
     "Until the service's response was whole, for the attempt that was used."},
    {"nginx_ingress_controller_header_duration_seconds", histogram, request_labels,
     "Until the head of the service's response was there."},
    {"nginx_ingress_controller_connect_duration_seconds", histogram, request_labels,
     "Until the connection to the service stood; 0 when one was reused."},
    {"nginx_ingress_controller_request_size", histogram, request_labels, "Bytes of requests, heads included."},
    {"nginx_ingress_controller_response_size", histogram, request_labels, "Bytes of responses, heads included."},
    {"nginx_ingress_controller_bytes_sent", histogram, request_labels,
     "The same in other buckets; deprecated in ingress-nginx too."},
    {"nginx_ingress_controller_nginx_process_connections", gauge, "state",
     "Clients' connections now: active, reading, writing, waiting."},
    {"nginx_ingress_controller_nginx_process_connections_total", counter, "state",
     "Clients' connections so far: accepted, handled."},
    {"nginx_ingress_controller_nginx_process_requests_total", counter, "",
     "Requests so far, with those of no Ingress."},
    {"nginx_ingress_controller_nginx_process_cpu_seconds_total", counter, "", "CPU time of the program."},
    {"nginx_ingress_controller_nginx_process_resident_memory_bytes", gauge, "", "Resident memory of the program."},
    {"nginx_ingress_controller_nginx_process_virtual_memory_bytes", gauge, "", "Virtual memory of the program."},
    {"nginx_ingress_controller_nginx_process_oldest_start_time_seconds", gauge, "", "Unix time of its start."},
    {"nginx_ingress_controller_nginx_process_num_procs", gauge, "", "Always 1: workers are threads."},
    {"nginx_ingress_controller_build_info", gauge, "release, build, repository", "Always 1; the version is a label."},
    {"nginx_ingress_controller_config_hash", gauge, "", "Changes whenever the table does: its generation."},
    {"nginx_ingress_controller_config_last_reload_successful", gauge, "",
     "1 once a table is served. There is no reload that could fail: see `fairlead_problems`."},
    {"nginx_ingress_controller_config_last_reload_successful_timestamp_seconds", gauge, "",
     "Unix time at which the table that is served was published."},
    {"nginx_ingress_controller_success", counter, "", "Tables published."},
    {"nginx_ingress_controller_errors", counter, "", "Always 0: a table that cannot be published is never made."},
    {"nginx_ingress_controller_ssl_expire_time_seconds", gauge, "namespace, class, host, secret_name, identifier",
     "Unix time at which a certificate expires; host `_` is the default certificate."},
    {"nginx_ingress_controller_ssl_certificate_info", gauge,
     "namespace, class, host, secret_name, identifier, issuer_organization, issuer_common_name, serial_number, "
     "public_key_algorithm",
     "Always 1; facts of a served certificate."},
    {"nginx_ingress_controller_orphan_ingress", gauge, "namespace, ingress, type",
     "1 for an Ingress with a path that has no Service (`no-service`) or no ready endpoint (`no-endpoint`)."},
    {"nginx_ingress_controller_leader_election_status", gauge, "name",
     "1: this replica holds the Lease of that name, and writes status and Events."},
    // Ours.
    {"fairlead_snapshot_generation", gauge, "", "Generation of the newest published table."},
    {"fairlead_snapshot_age_seconds", gauge, "", "How long ago it was published."},
    {"fairlead_hosts", gauge, "", "Host names it serves."},
    {"fairlead_paths", gauge, "", "Paths it serves."},
    {"fairlead_upstreams", gauge, "", "Service ports it knows."},
    {"fairlead_problems", gauge, "severity", "What is wrong in your objects: see `/problems`."},
    {"fairlead_limit_hits_total", counter, "limit", "How often a limit was hit, by its name."},
    {"fairlead_api_last_contact_age_seconds", gauge, "resource",
     "Since the API server last said something about this kind of object, or since the start. A quiet one speaks about "
     "once a minute."},
    {"fairlead_status_pending", gauge, "", "Ingresses whose status is still to be written."},
    {"fairlead_status_writes_total", counter, "result", "Writes of the status of an Ingress: `written` or `failed`."},
    {"fairlead_events_total", counter, "result", "Events at Ingresses: `written`, or `dropped` because of a limit."},
    {"fairlead_requests_by_protocol_total", counter, "protocol",
     "Requests so far by what the client spoke: HTTP/1.0, HTTP/1.1 or HTTP/2.0."},
    {"fairlead_grpc_requests_total", counter,
     "host, path, namespace, ingress, service, method, status, canary, grpc_status",
     "Requests of gRPC by the status that their clients were told, the service's or ours: its number, or `none`."},
    {"fairlead_connections_shed_total", counter, "",
     "Clients' connections closed at once: too many, or no descriptors left."},
    {"fairlead_accept_errors_total", counter, "", "Failed attempts to accept a connection."},
    {"fairlead_tls_handshakes_total", counter, "", "TLS handshakes with clients that succeeded."},
    {"fairlead_http2_connections_total", counter, "", "Connections of clients that spoke HTTP/2."},
    {"fairlead_tls_failures_total", counter, "", "TLS handshakes with clients that failed."},
    {"fairlead_upstream_connects_total", counter, "", "Connections to services attempted."},
    {"fairlead_upstream_connect_failures_total", counter, "", "Those that failed."},
    {"fairlead_upstream_reuses_total", counter, "", "Requests sent on a connection that already stood."},
    {"fairlead_retries_total", counter, "", "Attempts after the first."},
    {"fairlead_access_log_dropped_lines_total", counter, "", "Lines dropped because nobody took them."},
    {"fairlead_metric_series", gauge, "", "Sets of labels that requests are counted under, over all workers."},
    {"fairlead_metric_series_overflow_total", counter, "",
     "Requests counted under the labels `overflow`, because there were too many sets."},
    {"fairlead_workers", gauge, "", "Worker threads."},
    {"process_cpu_seconds_total", counter, "", "CPU time of the program."},
    {"process_resident_memory_bytes", gauge, "", "Resident memory."},
    {"process_virtual_memory_bytes", gauge, "", "Virtual memory."},
    {"process_start_time_seconds", gauge, "", "Unix time of its start."},
    {"process_open_fds", gauge, "", "Open file descriptors."},
    {"process_max_fds", gauge, "", "How many may be open."},
};

std::string_view name_of(MetricKind kind) {
  return kind == counter ? "counter" : kind == gauge ? "gauge" : "histogram";
}

std::string labels_text(std::string_view labels) {
  if (labels.empty()) return "";
  if (labels == request_labels) return "those of requests";
  return '`' + std::string(labels) + '`';
}

}  // namespace

std::span<const MetricSpec> metric_specs() {
  return specs;
}

std::string metric_table() {
  std::string table =
      "Metrics of requests carry the labels `" + std::string(request_labels) +
      "` (`host` can be switched off with `--metrics-per-host=false`). Everything that begins with "
      "`nginx_ingress_controller_` also has `controller_namespace`, `controller_class` and `controller_pod`.\n\n"
      "| metric | kind | labels | meaning |\n|---|---|---|---|\n";
  for (const MetricSpec& spec : specs) {
    table += "| `" + std::string(spec.name) + "` | " + std::string(name_of(spec.kind)) + " | " +
             labels_text(spec.labels) + " | " + std::string(spec.help) + " |\n";
  }
  return table;
}

}  // namespace fairlead

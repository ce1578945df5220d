#include "proxy/admin_pages.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "proxy/admin_query.hpp"
#include "proxy/log_line.hpp"
#include "router/host_name.hpp"
#include "router/policies/policy.hpp"

namespace fairlead {
namespace {

using Json = nlohmann::ordered_json;

AdminAnswer text_answer(int status, std::string body) {
  return {.status = status, .body = std::move(body)};
}

AdminAnswer json_answer(const Json& json) {
  // Names from Kubernetes are UTF-8; were one not, its bad bytes are replaced.
  return {.content_type = "application/json", .body = json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n'};
}

AdminAnswer bad_query() {
  return text_answer(400, "bad query: limit must be a number from 1, offset one from 0, escapes %HH\n");
}

// /readyz

AdminAnswer ready_page(const AdminSources& sources) {
  const auto reasons = sources.ready->reasons();
  if (reasons.empty()) return text_answer(200, "ready\n");
  std::string body;
  for (const std::string& reason : reasons) body += "not ready: " + reason + '\n';
  return text_answer(503, std::move(body));
}

// /snapshot

AdminAnswer snapshot_page(const AdminSources& sources) {
  const auto snapshot = sources.snapshot ? sources.snapshot() : nullptr;
  const std::uint64_t generation = snapshot ? snapshot->generation : 0;
  Json json{{"generation", generation}};
  if (snapshot) {
    const auto age = std::chrono::system_clock::now() - snapshot->published;
    json["published"] = LogTime().iso8601(snapshot->published);
    json["age_seconds"] = std::max(0.0, std::chrono::duration<double>(age).count());
  }
  if (snapshot && snapshot->routes) {
    json["hosts"] = snapshot->routes->host_count();
    json["paths"] = snapshot->routes->path_count();
    json["upstreams"] = snapshot->routes->upstream_count();
  }
  json["workers"] = sources.ready->worker_count();
  json["workers_on_this_generation"] = snapshot ? sources.ready->workers_on(generation) : 0;
  json["ready"] = sources.ready->ready();
  return json_answer(json);
}

// /problems

std::string_view name_of(Severity severity) {
  return severity == Severity::error ? "error" : severity == Severity::warning ? "warning" : "notice";
}

Json json_of(const Problem& problem) {
  Json json{{"severity", name_of(problem.severity)}, {"kind", problem.object.kind}};
  if (!problem.object.ns.empty()) json["namespace"] = problem.object.ns;
  json["name"] = problem.object.name;
  if (!problem.field.empty()) json["field"] = problem.field;
  json["message"] = problem.message;
  return json;
}

bool is_asked_for(const Problem& problem, const AdminQuery& query) {
  const std::string_view ns = query.parameter("namespace");
  const std::string_view severity = query.parameter("severity");
  return (ns.empty() || problem.object.ns == ns) && (severity.empty() || name_of(problem.severity) == severity);
}

AdminAnswer problems_page(const AdminSources& sources, const AdminQuery& query, const AdminWindow& window) {
  const auto problems = sources.problems ? sources.problems() : nullptr;
  Json listed = Json::array();
  std::size_t total = 0;
  for (const Problem& problem : problems ? *problems : Problems()) {
    if (!is_asked_for(problem, query)) continue;
    if (total >= window.offset && listed.size() < window.limit) listed.push_back(json_of(problem));
    ++total;
  }
  Json json{{"total", total}, {"problems", std::move(listed)}};
  if (const std::string next = window.next(query, total); !next.empty()) json["next"] = next;
  return json_answer(json);
}

// /routes

Json json_of(const UpstreamEntry& upstream) {
  Json endpoints = Json::array();
  for (const auto& state : upstream.endpoints) {
    char text[IpAddress::max_text + 8];
    LineWriter out(text, text + sizeof text, sizeof text);
    out.endpoint(state->endpoint);
    endpoints.push_back({{"address", std::string_view(text, out.size())},
                         {"in_flight", state->in_flight.load(std::memory_order_relaxed)}});
  }
  const Upstream& config = *upstream.config;
  return {{"name", config.name},
          {"protocol", text_of(config.protocol)},
          {"balancing", config.balancing == Balancing::power_of_two ? "power_of_two" : "round_robin"},
          {"endpoints", std::move(endpoints)}};
}

Json json_of(const PathSettings& settings) {
  return {{"connect_timeout_ms", settings.connect_timeout.count()},
          {"send_timeout_ms", settings.send_timeout.count()},
          {"read_timeout_ms", settings.read_timeout.count()},
          {"max_body_bytes", settings.max_body_bytes},
          {"next_upstream", settings.next_upstream.text()},
          {"next_upstream_tries", settings.next_upstream_tries},
          {"next_upstream_timeout_ms", settings.next_upstream_timeout.count()}};
}

Json json_of(const Host& host, const Path& path, const RouteTable& routes) {
  Json json{{"host", host.name.empty() ? "_" : host.name},
            {"path", path.path},
            {"match", host.regex                     ? "regex"
                      : path.type == PathType::exact ? "exact"
                                                     : "prefix"},
            {"tls", host.tls}};
  const Route& route = *path.route;
  if (!route.ingress.empty()) {
    json["namespace"] = route.ns;
    json["ingress"] = route.ingress;
  }
  if (!route.service.empty()) {
    json["service"] = route.service;
    json["port"] = route.port;
  }
  if (path.denied) json["denied"] = true;
  json["settings"] = json_of(route.settings);
  Json policies = Json::array();
  for (const auto& policy : route.policies) policies.push_back(policy->describe());
  json["policies"] = std::move(policies);
  const UpstreamEntry* const upstream = route.upstream_key.empty() ? nullptr : routes.upstream(route.upstream_key);
  json["upstream"] = upstream ? json_of(*upstream) : Json();
  return json;
}

// Those that ?host= asks for, sorted: all; the one of that name ("_" is the catch-all); or the one that serves it.
std::vector<std::shared_ptr<const Host>> hosts_asked_for(const RouteTable& routes, std::string_view asked) {
  auto hosts = routes.hosts();
  if (!asked.empty()) {
    char memory[max_host_name];
    const auto canonical = canonical_host(asked, memory);
    const bool is_name = canonical && !canonical->empty() && asked != "_";
    const std::string name = is_name        ? routes.match(*canonical, "/").host->name
                             : asked == "_" ? ""
                                            : std::string(asked);
    std::erase_if(hosts, [&](const auto& host) { return host->name != name; });
  }
  std::sort(hosts.begin(), hosts.end(), [](const auto& a, const auto& b) { return a->name < b->name; });
  return hosts;
}

AdminAnswer routes_page(const AdminSources& sources, const AdminQuery& query, const AdminWindow& window) {
  const auto snapshot = sources.snapshot ? sources.snapshot() : nullptr;
  Json listed = Json::array();
  std::size_t total = 0;
  if (snapshot && snapshot->routes) {
    for (const auto& host : hosts_asked_for(*snapshot->routes, query.parameter("host"))) {
      for (const Path& path : host->paths) {
        if (total >= window.offset && listed.size() < window.limit) {
          listed.push_back(json_of(*host, path, *snapshot->routes));
        }
        ++total;
      }
    }
  }
  Json json{{"generation", snapshot ? snapshot->generation : 0}, {"total", total}, {"routes", std::move(listed)}};
  if (const std::string next = window.next(query, total); !next.empty()) json["next"] = next;
  return json_answer(json);
}

AdminAnswer metrics_page(const AdminSources& sources) {
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = sources.metrics()};
}

std::string index_text(const AdminOptions& options, const AdminSources& sources) {
  return "no such page; there are " + options.health_check_path + " /readyz" + (sources.metrics ? " /metrics" : "") +
         " /problems /routes /snapshot\n";
}

}  // namespace

AdminAnswer answer_admin(const AdminOptions& options, const AdminSources& sources, std::string_view target) {
  const auto query = AdminQuery::parse(target);
  if (!query) return bad_query();
  if (query->path == options.health_check_path) return text_answer(200, "ok\n");
  if (query->path == "/readyz") return ready_page(sources);
  if (query->path == "/metrics" && sources.metrics) return metrics_page(sources);
  if (query->path == "/snapshot") return snapshot_page(sources);
  const auto window = AdminWindow::of(*query, options.max_listed);
  if (query->path == "/problems") return window ? problems_page(sources, *query, *window) : bad_query();
  if (query->path == "/routes") return window ? routes_page(sources, *query, *window) : bad_query();
  return text_answer(404, index_text(options, sources));
}

}  // namespace fairlead

#pragma once

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "router/config.hpp"
#include "router/policies/policy.hpp"
#include "watcher/cluster_state.hpp"
#include "watcher/objects.hpp"
#include "watcher/parse.hpp"
#include "watcher/source.hpp"
#include "watcher/translate.hpp"

namespace fairlead {

using nlohmann::json;

inline constexpr std::string_view certificate_pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
inline constexpr std::string_view key_pem = "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n";

// "shop/web", or "fairlead" for a kind without namespaces.
inline ObjectName object_name(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return {"", text};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

inline json object(const char* kind, const std::string& name) {
  const ObjectName parts = object_name(name);
  json metadata = {{"name", parts.name}};
  if (!parts.ns.empty()) metadata["namespace"] = parts.ns;
  return {{"kind", kind}, {"metadata", metadata}};
}

// "web:80" or "web:http".
inline json backend(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string port = text.substr(colon + 1);
  const bool number = port.find_first_not_of("0123456789") == std::string::npos;
  return {
      {"service",
       {{"name", text.substr(0, colon)}, {"port", number ? json{{"number", std::stoi(port)}} : json{{"name", port}}}}}};
}

// "Prefix /cart web:80".
inline json ingress_path(const std::string& text) {
  const std::size_t first = text.find(' ');
  const std::size_t last = text.rfind(' ');
  return {{"pathType", text.substr(0, first)},
          {"path", text.substr(first + 1, last - first - 1)},
          {"backend", backend(text.substr(last + 1))}};
}

using Rules = std::vector<std::pair<std::string, std::vector<std::string>>>;  // host, paths
using Annotations = std::map<std::string, std::string>;                       // without prefix

inline json ingress(const std::string& name, const Rules& rules, const Annotations& annotations = {}) {
  json made = object("Ingress", name);
  for (const auto& [key, value] : annotations) {
    made["metadata"]["annotations"]["nginx.ingress.kubernetes.io/" + key] = value;
  }
  made["spec"]["ingressClassName"] = "fairlead";
  for (const auto& [host, paths] : rules) {
    json rule = json::object();
    if (!host.empty()) rule["host"] = host;
    for (const std::string& path : paths) rule["http"]["paths"].push_back(ingress_path(path));
    made["spec"]["rules"].push_back(rule);
  }
  return made;
}

inline json created(json made, const std::string& when) {
  made["metadata"]["creationTimestamp"] = when;
  return made;
}

inline json with_tls(json made, const std::vector<std::string>& hosts, const std::string& secret) {
  json entry = json::object();
  if (!hosts.empty()) entry["hosts"] = hosts;
  if (!secret.empty()) entry["secretName"] = secret;
  made["spec"]["tls"].push_back(entry);
  return made;
}

inline json ingress_class(const std::string& name, const std::string& controller, bool is_default = false) {
  json made = object("IngressClass", name);
  made["spec"]["controller"] = controller;
  if (is_default) made["metadata"]["annotations"]["ingressclass.kubernetes.io/is-default-class"] = "true";
  return made;
}

// Ports by name; "" is a port without one.
inline json service(const std::string& name, const std::map<std::string, int>& ports = {{"", 80}}) {
  json made = object("Service", name);
  for (const auto& [port_name, number] : ports) {
    json port = {{"port", number}};
    if (!port_name.empty()) port["name"] = port_name;
    made["spec"]["ports"].push_back(port);
  }
  return made;
}

inline json external_service(const std::string& name, const std::string& external_name,
                             const std::map<std::string, int>& ports = {}) {
  json made = service(name, ports);
  made["spec"]["type"] = "ExternalName";
  made["spec"]["externalName"] = external_name;
  return made;
}

inline json slice(const std::string& name, const std::string& service_name, const std::vector<std::string>& addresses,
                  const std::map<std::string, int>& ports = {{"", 8080}}) {
  json made = object("EndpointSlice", name);
  made["metadata"]["labels"]["kubernetes.io/service-name"] = service_name;
  made["addressType"] = "IPv4";
  for (const std::string& address : addresses) made["endpoints"].push_back({{"addresses", {address}}});
  for (const auto& [port_name, number] : ports) made["ports"].push_back({{"name", port_name}, {"port", number}});
  return made;
}

inline json tls_secret(const std::string& name, const std::string& more = "") {
  json made = object("Secret", name);
  made["type"] = "kubernetes.io/tls";
  made["stringData"] = {{"tls.crt", std::string(certificate_pem) + more}, {"tls.key", std::string(key_pem)}};
  return made;
}

inline json namespace_object(const std::string& name, const std::map<std::string, std::string>& labels) {
  json made = object("Namespace", name);
  made["metadata"]["labels"] = labels;
  return made;
}

inline Kind kind_of(const json& made) {
  for (const Kind kind : {Kind::ingress, Kind::ingress_class, Kind::service, Kind::endpoint_slice, Kind::secret,
                          Kind::namespace_object}) {
    if (made.at("kind") == std::string(text_of(kind))) return kind;
  }
  return Kind::secret;
}

inline Change put(const json& made) {
  Change change;
  change.kind = kind_of(made);
  change.name = name_of(change.kind, made);
  change.object = made;
  return change;
}

inline Change remove(Kind kind, const std::string& name) {
  Change change;
  change.type = Change::Type::remove;
  change.kind = kind;
  change.name = object_name(name);
  return change;
}

inline Change replace(Kind kind, const std::vector<json>& objects) {
  Change change;
  change.type = Change::Type::replace;
  change.kind = kind;
  change.objects = ObjectList(objects);
  return change;
}

// What DNS says of a name.
inline Change answer(const std::string& name, const std::vector<std::string>& addresses,
                     const std::string& trouble = "") {
  Change change;
  change.type = Change::Type::answer;
  change.name.name = name;
  for (const std::string& address : addresses) change.answer.addresses.push_back(*IpAddress::parse(address));
  std::sort(change.answer.addresses.begin(), change.answer.addresses.end());
  change.answer.trouble = trouble;
  return change;
}

inline Change runs_in(Place place) {
  Change change;
  change.type = Change::Type::place;
  change.place = std::move(place);
  return change;
}

// "error Ingress shop/web spec.rules[0].http.paths[0].path: …"
inline std::string text_of(const Problem& problem) {
  const char* const severity = problem.severity == Severity::notice    ? "notice"
                               : problem.severity == Severity::warning ? "warning"
                                                                       : "error";
  return std::string(severity) + " " + problem.object.kind + " " + problem.object.ns +
         (problem.object.ns.empty() ? "" : "/") + problem.object.name + " " + problem.field + ": " + problem.message;
}

inline std::vector<std::string> texts_of(const Problems& problems) {
  std::vector<std::string> texts;
  for (const Problem& problem : problems) texts.push_back(text_of(problem));
  return texts;
}

// A cluster where the class "fairlead" is ours, and what it translates to.
class Cluster {
 public:
  explicit Cluster(const TranslateOptions& options = {}) : options_(options), state_(options) {
    hear(fairlead::replace(Kind::secret, {}));
    *this << ingress_class("fairlead", options.controller_class);
  }

  Cluster& operator<<(const json& made) { return hear(put(made)); }
  Cluster& hear(Change change) {
    state_.apply(std::move(change), touched_);
    translation_ = translate(state_, options_);
    return *this;
  }

  const Config& config() const { return translation_.config; }
  std::vector<std::string> problems() const { return texts_of(translation_.problems); }
  const ClusterState& state() const { return state_; }

  // Null when there is no such host.
  const Host* host(const std::string& name) const { return find(config().hosts, name); }
  const TlsHost* tls_host(const std::string& name) const { return find(config().tls_hosts, name); }

  // "prefix /cart -> shop/web/80", one a path of the host, in order; "404" without a backend, "denied" behind it.
  std::vector<std::string> paths(const std::string& name) const {
    std::vector<std::string> texts;
    const Host* const found = host(name);
    if (!found) return {"no such host"};
    for (const Path& path : found->paths) {
      const std::string& key = path.route->upstream_key;
      texts.push_back((path.type == PathType::exact ? "exact " : "prefix ") + path.path + " -> " +
                      (key.empty() ? "404" : key) + (path.denied ? " denied" : ""));
    }
    return texts;
  }

  // "10.0.0.1:8080", one an endpoint.
  std::vector<std::string> endpoints(const std::string& upstream_key) const {
    const Upstream* const upstream = find(config().upstreams, upstream_key);
    if (!upstream) return {"no such upstream"};
    std::vector<std::string> texts;
    for (const Endpoint& endpoint : upstream->endpoints) {
      texts.push_back(endpoint.address.to_string() + ":" + std::to_string(endpoint.port));
    }
    return texts;
  }

  // "shop/cert", one a candidate.
  std::vector<std::string> candidates(const std::string& tls_name) const {
    const TlsHost* const found = tls_host(tls_name);
    if (!found) return {"no such TLS host"};
    std::vector<std::string> texts;
    for (const auto& source : found->candidates) texts.push_back(source->ns + "/" + source->name);
    return texts;
  }

 private:
  template <class Parts>
  static auto find(const Parts& parts, const std::string& name) -> decltype(parts.begin()->second.get()) {
    const auto found = parts.find(name);
    return found == parts.end() ? nullptr : found->second.get();
  }

  TranslateOptions options_;
  ClusterState state_;
  ClusterState::Touched touched_;
  Translation translation_;
};

}  // namespace fairlead

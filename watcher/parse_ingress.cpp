#include <algorithm>
#include <utility>

#include "router/host_name.hpp"
#include "watcher/json_field.hpp"
#include "watcher/object_text.hpp"
#include "watcher/parse.hpp"

namespace fairlead {
namespace {

constexpr std::string_view class_annotation = "kubernetes.io/ingress.class";
constexpr std::string_view implementation_specific = "ImplementationSpecific";

// "" when it is missing or is none, which is complained about.
std::string read_host(const JsonField& field) {
  const std::string text = field.text(max_host_name);
  if (text.empty()) return {};
  auto host = canonical_rule_host(text);
  if (host && !IpAddress::parse(*host)) return std::move(*host);
  field.refuse("\"" + text + "\" is no host name; write one such as shop.example.com or *.example.com, without port");
  return {};
}

ServicePortRef read_port(const JsonField& port) {
  const JsonField name = port.member("name");
  const JsonField number = port.member("number");
  ServicePortRef ref{static_cast<std::uint16_t>(number.integer(1, 65'535)), name.text(63)};
  if (name.present() == number.present()) {
    port.refuse("needs either a name or a number of a port of the Service");
  } else if (name.present() && (!is_kubernetes_name(ref.name) ||
                                std::all_of(ref.name.begin(), ref.name.end(), [](char c) { return c < 'a'; }))) {
    name.refuse("is no port name (lower-case letters, digits and '-', at least one letter); a number goes into number");
  }
  return ref;
}

IngressBackend read_backend(const JsonField& field) {
  IngressBackend backend;
  const JsonField service = field.member("service");
  if (service.present() == field.member("resource").present()) {
    field.refuse("needs a service (the extensions/v1beta1 form serviceName/servicePort is not read)");
    return backend;
  }
  if (!service.present()) return backend;
  const JsonField name = service.member("name");
  backend.service = name.text(max_object_name);
  if (!is_kubernetes_name(backend.service)) name.refuse("must name a Service");
  backend.port = read_port(service.member("port"));
  return backend;
}

PathType read_path_type(const std::string& text, const JsonField& field) {
  if (text == "Exact") return PathType::exact;
  if (!text.empty() && text != "Prefix" && text != implementation_specific) {
    field.refuse("\"" + text + "\" is unknown; write Exact, Prefix or ImplementationSpecific");
  }
  return PathType::prefix;
}

// What the API server refuses in an Exact or Prefix path: no request has it once its target is in normal form.
bool can_never_match(std::string_view path) {
  for (const std::string_view part : {"//", "/./", "/../", "%2f", "%2F"}) {
    if (path.find(part) != std::string_view::npos) return true;
  }
  return path.ends_with("/.") || path.ends_with("/..");
}

IngressPath read_path(const JsonField& field) {
  IngressPath path;
  const JsonField type = field.member("pathType");
  const std::string type_text = type.text(64);
  path.type = read_path_type(type_text, type);
  const JsonField text = field.member("path");
  path.path = text.text(max_path_bytes);
  if (path.path.empty()) path.path = "/";
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (path.path.front() != '/') {
    text.refuse("\"" + path.path + "\" must begin with '/'");
  } else if (std::any_of(path.path.begin(), path.path.end(), is_control)) {
    text.refuse("must not hold control characters");
  } else if (type_text != implementation_specific && can_never_match(path.path)) {
    text.refuse("\"" + path.path + "\" can match no request: leave out \"//\", \"/./\", \"/../\" and \"%2F\"");
  }
  path.backend = Shared(read_backend(field.member("backend")));
  return path;
}

std::vector<IngressRule> read_rules(const JsonField& field) {
  std::vector<IngressRule> rules;
  for (const JsonField& rule : field.items(max_ingress_rules)) {
    IngressRule& read = rules.emplace_back();
    read.host = read_host(rule.member("host"));
    const auto paths = rule.member("http").member("paths").items(max_rule_paths);
    read.paths.reserve(paths.size());
    for (const JsonField& field_of_path : paths) {
      IngressPath path = read_path(field_of_path);
      if (!read.paths.empty()) path.backend.share_with(read.paths.back().backend);
      read.paths.push_back(std::move(path));
    }
  }
  return rules;
}

std::vector<IngressTls> read_tls(const JsonField& field) {
  std::vector<IngressTls> all;
  for (const JsonField& entry : field.items(max_ingress_rules)) {
    IngressTls& tls = all.emplace_back();
    for (const JsonField& host : entry.member("hosts").items(max_ingress_rules)) {
      std::string name = read_host(host);
      if (!name.empty()) tls.hosts.push_back(std::move(name));
    }
    const JsonField secret = entry.member("secretName");
    tls.secret = secret.text(max_object_name);
    if (!tls.secret.empty() && !is_kubernetes_name(tls.secret)) secret.refuse("is no name of a Secret");
  }
  return all;
}

void read_annotations(const JsonField& field, std::string_view prefix, Ingress& ingress) {
  for (const auto& [name, value] : field.members()) {
    if (name.size() <= prefix.size() + 1 || !name.starts_with(prefix) || name[prefix.size()] != '/') continue;
    const std::string text = value.text(max_annotation_bytes);
    const std::string_view kept = trimmed(text);
    if (!kept.empty()) ingress.annotations.emplace(name.substr(prefix.size() + 1), kept);
  }
}

std::optional<ClassClaim> read_claim(const ObjectName& name, const nlohmann::json& object) {
  Complaints complaints({std::string(text_of(Kind::ingress)), name.ns, name.name});
  const JsonField root(object, complaints);
  ClassClaim claim;
  const JsonField class_name = root.member("spec").member("ingressClassName");
  if (class_name.present()) claim.name = class_name.text(max_object_name);
  const JsonField annotation = root.member("metadata").member("annotations").member(class_annotation);
  claim.annotation = trimmed(annotation.text(max_object_name));
  if (complaints.refused()) return std::nullopt;
  return claim;
}

}  // namespace

ParsedIngress parse_ingress(const ObjectName& name, const nlohmann::json& object, std::string_view annotations_prefix) {
  Complaints complaints({std::string(text_of(Kind::ingress)), name.ns, name.name});
  const JsonField root(object, complaints);
  check_object_name(root, name);
  const JsonField metadata = root.member("metadata");
  const JsonField spec = root.member("spec");
  ParsedIngress parsed;
  parsed.claim = read_claim(name, object);
  Ingress ingress;
  ingress.name = name;
  ingress.created = metadata.member("creationTimestamp").text(64);
  if (parsed.claim)
    ingress.claim = Shared(*parsed.claim);
  else
    spec.member("ingressClassName")
        .refuse("this or the annotation kubernetes.io/ingress.class is not text; write it in quotes");
  read_annotations(metadata.member("annotations"), annotations_prefix, ingress);
  const JsonField default_backend = spec.member("defaultBackend");
  if (default_backend.present()) ingress.default_backend = Shared(read_backend(default_backend));
  ingress.rules = read_rules(spec.member("rules"));
  ingress.tls = read_tls(spec.member("tls"));
  const bool has_rules = !ingress.rules.empty() || complaints.refused();
  if (!ingress.default_backend && !has_rules) spec.refuse("needs rules or a defaultBackend");
  if (!complaints.refused()) parsed.object = std::move(ingress);
  parsed.problems = complaints.take();
  return parsed;
}

}  // namespace fairlead

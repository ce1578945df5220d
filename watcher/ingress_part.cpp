#include "watcher/ingress_part.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "router/host_name.hpp"

namespace fairlead {
namespace {

// Leads nowhere yet.
Route route_of(const IngressPart& part, std::vector<std::shared_ptr<const Policy>> policies) {
  Route route;
  route.ns = part.name.ns;
  route.ingress = part.name.name;
  route.settings = part.settings;
  route.policies = std::move(policies);
  route.early_policies = static_cast<std::size_t>(std::count_if(
      part.policies.begin(), part.policies.end(), [](const auto& policy) { return policy.stage < Stage::limit; }));
  return route;
}

class PartBuilder {
 public:
  explicit PartBuilder(const IngressVersion& version)
      : ingress_(version.packed.unpack()), policies_(version.policies()), part_(std::make_shared<IngressPart>()) {
    part_->name = ingress_.name;
    part_->balancing = policies_.balancing;
    part_->denies_hosts = policies_.denies_host;
    part_->denied = policies_.denied;
    part_->settings = policies_.settings;
    part_->has_rules = !ingress_.rules.empty();
    for (const PolicyParse::Staged& staged : policies_.policies) {
      if (staged.stage == Stage::site) {
        part_->site.push_back(staged.policy);
      } else {
        part_->policies.push_back(staged);
      }
    }
  }

  std::shared_ptr<const IngressPart> build() {
    add_default_backend();
    for (std::size_t i = 0; i < ingress_.rules.size(); ++i)
      add_rule(ingress_.rules[i], fmt::format("spec.rules[{}]", i));
    if (!ingress_.tls.empty()) {
      add_tls_entries();
      add_tls_of_rules();
    }
    return part_;
  }

 private:
  // Leads a path to its backend. False for one that we cannot serve.
  bool lead(Path& path, const IngressBackend& backend, const std::string& field) {
    if (backend.service.empty()) {
      complain(field + ".resource", "resource backends are not supported; this path is not served. Name a service",
               Severity::error);
      return false;
    }
    const UpstreamTarget target{{ingress_.name.ns, backend.service}, backend.port, policies_.protocol};
    const std::string key = target.key();
    path.route = route_to(target, key, path.path);
    UpstreamShare& share = part_->upstreams[key];
    share.target = target;
    share.fields.push_back(field + ".service");
    return true;
  }

  // The last one that leads there, unless a policy is another one on this path.
  std::shared_ptr<const Route> route_to(const UpstreamTarget& target, const std::string& key, const std::string& path) {
    auto policies = bind_policies(part_->policies, path);
    std::shared_ptr<const Route>& last = routes_[key];
    if (last && last->policies == policies) return last;
    Route route = route_of(*part_, std::move(policies));
    route.service = target.service.name;
    route.port = target.port.text();
    route.upstream_key = key;
    return last = std::make_shared<const Route>(std::move(route));
  }

  Path path_of(const std::string& text, PathType type) const {
    Path path;
    path.path = text;
    path.type = type;
    path.denied = part_->denied;
    return path;
  }

  void add_default_backend() {
    if (!ingress_.default_backend) return;
    ServedPath served{path_of("/", PathType::prefix), "spec.defaultBackend"};
    if (lead(served.path, **ingress_.default_backend, served.field)) part_->default_path = std::move(served);
    if (!part_->has_rules) part_->hosts[""];
  }

  void add_rule(const IngressRule& rule, const std::string& field) {
    std::vector<ServedPath>& paths = part_->hosts[rule.host];
    for (std::size_t i = 0; i < rule.paths.size(); ++i) {
      const IngressPath& asked = rule.paths[i];
      ServedPath served{path_of(asked.path, asked.type), fmt::format("{}.http.paths[{}]", field, i)};
      const auto& unless = policies_.regex_unless_path;
      served.wants_regex = policies_.regex || (unless && *unless != asked.path);
      if (lead(served.path, *asked.backend, served.field + ".backend")) paths.push_back(std::move(served));
    }
  }

  void add_tls_entries() {
    for (std::size_t i = 0; i < ingress_.tls.size(); ++i) {
      const IngressTls& entry = ingress_.tls[i];
      if (!entry.secret.empty()) {
        part_->secrets[secret_name(entry)].push_back(fmt::format("spec.tls[{}].secretName", i));
      }
      for (const std::string& host : entry.hosts) add_tls_host(host, entry, fmt::format("spec.tls[{}].hosts", i));
    }
  }

  // An Ingress has a say in the hosts for which it has a rule, and in no other: they may be somebody else's.
  void add_tls_host(const std::string& host, const IngressTls& entry, std::string field) {
    if (part_->hosts.contains(host)) {
      add_secret(part_->tls[host], entry);
      part_->tls[host].secured = true;
    } else if (!stands_above_a_rule(host)) {
      complain(std::move(field),
               fmt::format("names \"{}\", for which this Ingress has no rule: its certificate is not used there and "
                           "nothing is redirected. Add a rule for it, or name it in the Ingress that has one",
                           host),
               Severity::warning);
    }
  }

  // Contract 4.1: a host that no entry names takes any certificate of its Ingress that verifies for it.
  void add_tls_of_rules() {
    std::map<std::string, TlsShare> further;
    for (const auto& [host, paths] : part_->hosts) {
      if (host.empty() || part_->tls.contains(host)) continue;
      TlsShare& share = further[host];
      for (const IngressTls& entry : ingress_.tls) {
        add_secret(share, entry);
        share.secured = share.secured || covers(entry, host);
      }
      if (share.secured) continue;
      complain("spec.tls",
               fmt::format("does not name the host \"{}\" of this Ingress: http requests to it are not "
                           "redirected to https; add it to hosts if they should be",
                           host),
               Severity::notice);
    }
    part_->tls.merge(further);
  }

  ObjectName secret_name(const IngressTls& entry) const { return {ingress_.name.ns, entry.secret}; }

  void add_secret(TlsShare& share, const IngressTls& entry) const {
    if (entry.secret.empty()) return;
    const ObjectName name = secret_name(entry);
    if (std::find(share.secrets.begin(), share.secrets.end(), name) == share.secrets.end()) {
      share.secrets.push_back(name);
    }
  }

  // An entry without hosts stands for all hosts of its Ingress, one with a wildcard for those below it.
  static bool covers(const IngressTls& entry, const std::string& host) {
    if (entry.hosts.empty()) return true;
    return std::any_of(entry.hosts.begin(), entry.hosts.end(),
                       [&](const std::string& name) { return wildcard_covers(name, host); });
  }

  static bool wildcard_covers(const std::string& name, const std::string& host) {
    const auto suffix = parent_suffix(host);
    return name.starts_with("*.") && suffix && name.substr(1) == *suffix;
  }

  bool stands_above_a_rule(const std::string& wildcard) const {
    return std::any_of(part_->hosts.begin(), part_->hosts.end(),
                       [&](const auto& host) { return wildcard_covers(wildcard, host.first); });
  }

  void complain(std::string field, std::string message, Severity severity) {
    part_->problems.push_back({part_->ref(), std::move(field), std::move(message), severity});
  }

  const Ingress ingress_;
  const PolicyParse::Result& policies_;
  std::shared_ptr<IngressPart> part_;
  std::unordered_map<std::string, std::shared_ptr<const Route>> routes_;  // by Upstream key
};

}  // namespace

// Ids "<namespace>/<name>" are compared as they are written, which the '/' takes part in.
bool Precedence::operator<(const Precedence& other) const {
  const PackedIngress::Head a = ingress_->head();
  const PackedIngress::Head b = other.ingress_->head();
  if (a.created != b.created) return a.created < b.created;
  const std::size_t common = std::min(a.ns.size(), b.ns.size());
  if (const int order = a.ns.compare(0, common, b.ns, 0, common); order != 0) return order > 0;
  if (a.ns.size() == b.ns.size()) return a.name > b.name;
  const char next_of_a = a.ns.size() == common ? '/' : a.ns[common];
  const char next_of_b = b.ns.size() == common ? '/' : b.ns[common];
  return next_of_a > next_of_b;
}

std::string UpstreamTarget::key() const {
  const std::string of_service = fmt::format("{}/{}/{}", service.ns, service.name, port.text());
  return protocol ? fmt::format("{}/{}", of_service, text_of(*protocol)) : of_service;
}

ObjectRef IngressPart::ref() const {
  return {std::string(text_of(Kind::ingress)), name.ns, name.name};
}

Path IngressPart::bare_path(const std::string& text) const {
  Path path;
  path.path = text;
  path.denied = denied;
  path.route = std::make_shared<const Route>(route_of(*this, bind_policies(policies, text)));
  return path;
}

std::shared_ptr<const IngressPart> make_part(const IngressVersion& version) {
  return PartBuilder(version).build();
}

std::vector<std::shared_ptr<const Policy>> bind_policies(const std::vector<PolicyParse::Staged>& policies,
                                                         std::string_view path) {
  std::vector<std::shared_ptr<const Policy>> bound;
  bound.reserve(policies.size());
  for (const PolicyParse::Staged& staged : policies) {
    auto own = staged.policy->bind(path);
    bound.push_back(own ? std::shared_ptr<const Policy>(std::move(own)) : staged.policy);
  }
  return bound;
}

}  // namespace fairlead

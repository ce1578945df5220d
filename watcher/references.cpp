#include "watcher/references.hpp"

#include <algorithm>
#include <optional>

#include "router/host_name.hpp"

namespace fairlead {
namespace {

// Parts are made anew each time they are needed, which takes microseconds where keeping them takes kilobytes; save
// those of large Ingresses.
constexpr std::size_t small_part = 16;  // paths

std::size_t path_count(const IngressPart& part) {
  std::size_t count = 0;
  for (const auto& [name, paths] : part.hosts) count += 1 + paths.size();
  return count;
}

template <class Uses>
void erase_part(Uses& uses, const typename Uses::key_type& key, const Precedence& order) {
  const auto found = uses.find(key);
  found->second.remove(order);
  if (found->second.empty()) uses.erase(found);
}

// "*.example.com" of "a.example.com".
std::optional<std::string> wildcard_over(const std::string& host) {
  const auto suffix = parent_suffix(host);
  if (!suffix) return std::nullopt;
  return "*" + std::string(*suffix);
}

std::string_view suffix_of(std::string_view host) {
  return parent_suffix(host).value_or(std::string_view());
}

}  // namespace

bool HostOrder::operator()(const std::string& a, const std::string& b) const {
  const int order = suffix_of(a).compare(suffix_of(b));
  return order != 0 ? order < 0 : a < b;
}
bool HostOrder::operator()(const std::string& a, const Below& b) const {
  return suffix_of(a) < b.suffix;
}
bool HostOrder::operator()(const Below& a, const std::string& b) const {
  return a.suffix < suffix_of(b);
}

References::References(const TranslateOptions& options, Dirty& dirty) : options_(options) {
  dirty.hosts.insert("");
  if (const auto target = default_backend(options)) {
    upstreams_[target->key()].pinned = true;
    dirty.upstreams.insert(target->key());
  }
  if (const auto secret = default_certificate(options)) {
    secrets_[*secret].pinned = true;
    touch_secret(*secret, dirty);
  }
}

void References::mark(const IngressPart& part, Dirty& dirty) const {
  for (const auto& [name, paths] : part.hosts) {
    dirty.hosts.insert(name);
    mark_below(name, dirty);
  }
  for (const auto& [key, share] : part.upstreams) dirty.upstreams.insert(key);
  for (const auto& [secret, fields] : part.secrets) dirty.secrets.insert(secret);
  for (const auto& [name, share] : part.tls) dirty.tls_hosts.insert(name);
}

// A wildcard's TLS concerns the hosts that it covers.
void References::mark_below(const std::string& wildcard, Dirty& dirty) const {
  if (!wildcard.starts_with("*.") || !tls_hosts_.contains(wildcard)) return;
  const auto [first, last] = hosts_.equal_range(HostOrder::Below{std::string_view(wildcard).substr(1)});
  for (auto covered = first; covered != last; ++covered) dirty.hosts.insert(covered->first);
}

void References::add(const std::shared_ptr<const IngressVersion>& version,
                     const std::shared_ptr<const IngressPart>& part, Dirty& dirty) {
  const std::shared_ptr<const IngressPart> kept = path_count(*part) > small_part ? part : nullptr;
  for (const auto& [name, paths] : part->hosts) hosts_[name].add(version, kept);
  for (const auto& [name, share] : part->tls) tls_hosts_[name].add(version, kept);
  for (const auto& [secret, fields] : part->secrets) secrets_[secret].parts.add(version, kept);
  for (const auto& [key, share] : part->upstreams) upstreams_[key].parts.add(version, kept);
  mark(*part, dirty);
}

void References::remove(const IngressVersion& version, const IngressPart& part, Dirty& dirty) {
  const Precedence order(version);
  mark(part, dirty);
  for (const auto& [name, paths] : part.hosts) erase_part(hosts_, name, order);
  for (const auto& [name, share] : part.tls) erase_part(tls_hosts_, name, order);
  for (const auto& [secret, fields] : part.secrets) {
    const auto use = secrets_.find(secret);
    use->second.parts.remove(order);
    if (use->second.parts.empty() && !use->second.pinned) secrets_.erase(use);
  }
  for (const auto& [key, share] : part.upstreams) {
    const auto use = upstreams_.find(key);
    use->second.parts.remove(order);
    if (use->second.parts.empty() && !use->second.pinned) upstreams_.erase(use);
  }
}

bool References::leads_to(const ObjectName& service) const {
  const std::string begin = service.ns + "/" + service.name + "/";
  const auto use = upstreams_.lower_bound(begin);
  return use != upstreams_.end() && use->first.starts_with(begin);
}

void References::touch_service(const ObjectName& service, Dirty& dirty) const {
  const std::string begin = service.ns + "/" + service.name + "/";
  for (auto use = upstreams_.lower_bound(begin); use != upstreams_.end() && use->first.starts_with(begin); ++use) {
    dirty.upstreams.insert(use->first);
  }
}

void References::touch_every_service(Dirty& dirty) const {
  for (const auto& [key, use] : upstreams_) dirty.upstreams.insert(key);
}

void References::touch_secret(const ObjectName& secret, Dirty& dirty) const {
  const auto use = secrets_.find(secret);
  if (use == secrets_.end()) return;
  dirty.secrets.insert(secret);
  if (use->second.pinned) dirty.tls_hosts.insert("");
  const auto name_hosts = [&](const PartsByAge& parts) {
    for (const auto& [order, part] : parts) {
      for (const auto& [name, share] : part->tls) {
        const bool named = std::find(share.secrets.begin(), share.secrets.end(), secret) != share.secrets.end();
        if (named) dirty.tls_hosts.insert(name);
      }
    }
  };
  use->second.parts.look_at(name_hosts);
}

bool References::refers(const std::string& tls_host, const std::set<ObjectName>& secrets) const {
  const auto parts = tls_hosts_.find(tls_host);
  if (secrets.empty() || parts == tls_hosts_.end()) return false;
  return parts->second.look_at([&](const PartsByAge& looked_at) {
    const auto& used = deciding_share(tls_host, looked_at).secrets;
    return std::any_of(used.begin(), used.end(), [&](const ObjectName& secret) { return secrets.contains(secret); });
  });
}

// Contract 2.4.3: a host that no spec.tls concerns is served with the certificate of the wildcard host over it, if that
// has one, and redirected like it.
bool References::secured(const std::string& host) const {
  const auto secured_by = [](const std::string& name, const KeptParts& parts) {
    return parts.look_at([&](const PartsByAge& looked_at) { return deciding_share(name, looked_at).secured; });
  };
  if (const auto own = tls_hosts_.find(host); own != tls_hosts_.end()) return secured_by(host, own->second);
  const auto wildcard = wildcard_over(host);
  const auto over = wildcard ? tls_hosts_.find(*wildcard) : tls_hosts_.end();
  return over != tls_hosts_.end() && secured_by(*wildcard, over->second);
}

Built<Host> References::host(const std::string& name) const {
  static const KeptParts nobody;
  const auto found = hosts_.find(name);
  if (found == hosts_.end() && !name.empty()) return {};
  Built<Host> built = (found == hosts_.end() ? nobody : found->second).look_at([&](const PartsByAge& parts) {
    return build_host(name, parts, secured(name), options_);
  });
  if (const auto tls = tls_hosts_.find(name); tls != tls_hosts_.end()) {
    Problems more = tls->second.look_at([&](const PartsByAge& parts) { return tls_problems(name, parts); });
    built.problems.insert(built.problems.end(), more.begin(), more.end());
  }
  return built;
}

Built<Upstream> References::upstream(const std::string& key, const ClusterState& state) const {
  const auto use = upstreams_.find(key);
  if (use == upstreams_.end()) return {};
  return use->second.parts.look_at([&](const PartsByAge& parts) {
    const UpstreamTarget target =
        parts.empty() ? *default_backend(options_) : parts.begin()->second->upstreams.at(key).target;
    return build_upstream(target, parts, state, options_);
  });
}

std::shared_ptr<const TlsHost> References::tls_host(const std::string& name, const ClusterState& state) const {
  if (name.empty()) return build_default_tls_host(state, options_);
  const auto parts = tls_hosts_.find(name);
  if (parts == tls_hosts_.end()) return nullptr;
  return parts->second.look_at([&](const PartsByAge& looked_at) { return build_tls_host(name, looked_at, state); });
}

Problems References::problems_of_secret(const ObjectName& secret, const ClusterState& state) const {
  const auto use = secrets_.find(secret);
  if (use == secrets_.end()) return {};
  return use->second.parts.look_at(
      [&](const PartsByAge& parts) { return secret_problems(secret, parts, state, options_); });
}

}  // namespace fairlead

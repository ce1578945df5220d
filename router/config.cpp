#include "router/config.hpp"

#include <algorithm>

#include "router/policies/policy.hpp"

namespace fairlead {
namespace {

template <class T>
bool same_part(const std::shared_ptr<const T>& a, const std::shared_ptr<const T>& b) {
  return a == b || (a && b && *a == *b);
}

template <class Parts>
Parts changed_parts(const Parts& from, const Parts& to) {
  Parts changed;
  for (const auto& [name, part] : to) {
    const auto before = from.find(name);
    if (before == from.end() || !same_part(before->second, part)) changed.emplace(name, part);
  }
  for (const auto& [name, part] : from) {
    if (!to.contains(name)) changed.emplace(name, nullptr);
  }
  return changed;
}

template <class Parts>
void apply_parts(Parts& parts, const Parts& changed) {
  for (const auto& [name, part] : changed) {
    if (part) {
      parts.insert_or_assign(name, part);
    } else {
      parts.erase(name);
    }
  }
}

bool same_policy(const std::shared_ptr<const Policy>& a, const std::shared_ptr<const Policy>& b) {
  return a == b || a->describe() == b->describe();
}

}  // namespace

bool Route::operator==(const Route& other) const {
  return ns == other.ns && ingress == other.ingress && service == other.service && port == other.port &&
         upstream_key == other.upstream_key && settings == other.settings && early_policies == other.early_policies &&
         std::equal(policies.begin(), policies.end(), other.policies.begin(), other.policies.end(), same_policy);
}

const std::shared_ptr<const Route>& Path::nowhere() {
  static const auto route = std::make_shared<const Route>();
  return route;
}

Route& Path::own_route() {
  auto own = std::make_shared<Route>(*route);
  Route& changeable = *own;
  route = std::move(own);
  return changeable;
}

ConfigDelta diff(const Config& from, const Config& to) {
  ConfigDelta delta;
  delta.hosts = changed_parts(from.hosts, to.hosts);
  delta.upstreams = changed_parts(from.upstreams, to.upstreams);
  delta.tls_hosts = changed_parts(from.tls_hosts, to.tls_hosts);
  if (!same_part(from.settings, to.settings)) delta.settings = to.settings;
  return delta;
}

void apply(Config& config, const ConfigDelta& delta) {
  apply_parts(config.hosts, delta.hosts);
  apply_parts(config.upstreams, delta.upstreams);
  apply_parts(config.tls_hosts, delta.tls_hosts);
  if (delta.settings) config.settings = delta.settings;
}

bool operator==(const Config& a, const Config& b) {
  return diff(a, b).empty();
}

}  // namespace fairlead

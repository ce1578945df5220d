#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "watcher/cluster_state.hpp"
#include "watcher/config_parts.hpp"
#include "watcher/ingress_part.hpp"
#include "watcher/kept_parts.hpp"
#include "watcher/translate.hpp"

namespace fairlead {

// Parts of a Config, and Secrets, that may have to be made anew.
struct Dirty {
  std::set<std::string> hosts;
  std::set<std::string> upstreams;
  std::set<std::string> tls_hosts;
  std::set<ObjectName> secrets;  // what is wrong with them
};

// Hosts that one wildcard covers stand side by side.
struct HostOrder {
  using is_transparent = void;
  struct Below {
    std::string_view suffix;  // ".example.com": finds all of them
  };

  bool operator()(const std::string& a, const std::string& b) const;
  bool operator()(const std::string& a, const Below& b) const;
  bool operator()(const Below& a, const std::string& b) const;
};

// Who refers to whom: which of our Ingresses (and options) have a say in each part of the Config. It marks what a
// change of theirs, or of an object they name, touches.
class References {
 public:
  // Marks what exists without any Ingress.
  References(const TranslateOptions& options, Dirty& dirty);

  // part: what make_part makes of the version.
  void add(const std::shared_ptr<const IngressVersion>& version, const std::shared_ptr<const IngressPart>& part,
           Dirty& dirty);
  void remove(const IngressVersion& version, const IngressPart& part, Dirty& dirty);
  void touch_service(const ObjectName& service, Dirty& dirty) const;
  void touch_secret(const ObjectName& secret, Dirty& dirty) const;
  void touch_every_service(Dirty& dirty) const;

  bool leads_to(const ObjectName& service) const;
  bool wants(const ObjectName& secret) const { return secrets_.contains(secret); }
  // Whether a TLS host refers to any of these Secrets.
  bool refers(const std::string& tls_host, const std::set<ObjectName>& secrets) const;

  // What each name stands for now; null pointers for what is not there.
  Built<Host> host(const std::string& name) const;
  Built<Upstream> upstream(const std::string& key, const ClusterState& state) const;
  std::shared_ptr<const TlsHost> tls_host(const std::string& name, const ClusterState& state) const;
  Problems problems_of_secret(const ObjectName& secret, const ClusterState& state) const;

 private:
  struct UpstreamUse {
    KeptParts parts;
    bool pinned = false;  // by an option
  };
  struct SecretUse {
    KeptParts parts;
    bool pinned = false;
  };

  void mark(const IngressPart& part, Dirty& dirty) const;
  void mark_below(const std::string& wildcard, Dirty& dirty) const;
  bool secured(const std::string& host) const;

  const TranslateOptions& options_;
  std::map<std::string, KeptParts, HostOrder> hosts_;
  std::unordered_map<std::string, KeptParts> tls_hosts_;
  std::map<std::string, UpstreamUse> upstreams_;  // by key: those of a Service stand side by side
  std::unordered_map<ObjectName, SecretUse, ObjectNameHash> secrets_;
};

}  // namespace fairlead

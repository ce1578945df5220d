#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "router/base/problem.hpp"
#include "router/config.hpp"
#include "router/policies/policy.hpp"
#include "watcher/cluster_state.hpp"
#include "watcher/objects.hpp"

namespace fairlead {

// Who wins when Ingresses disagree: the oldest, and of the same age the later in the alphabet (contract 4.1).
// Borrows the Ingress.
class Precedence {
 public:
  explicit Precedence(const IngressVersion& version) : ingress_(&version.packed) {}

  bool operator<(const Precedence& other) const;

 private:
  const PackedIngress* ingress_;
};

// A port of a Service as an Upstream reaches it.
struct UpstreamTarget {
  ObjectName service;
  ServicePortRef port;                         // neither number nor name: the first port
  std::optional<UpstreamProtocol> protocol{};  // that an annotation asks for; else the Service's appProtocol decides

  // "<namespace>/<service>/<port>", and "/<protocol>" if one is asked for: no two targets have the same, since no name
  // of an object has a '/'.
  std::string key() const;
};

struct ServedPath {
  Path path;
  std::string field;         // "spec.rules[0].http.paths[1]"
  bool wants_regex = false;  // turns its host into regex mode
};

// What one Ingress has to say about a host's certificates.
struct TlsShare {
  std::vector<ObjectName> secrets;  // in order of preference
  bool secured = false;             // spec.tls names it: its http requests are to be redirected
};

struct UpstreamShare {
  UpstreamTarget target;
  std::vector<std::string> fields;  // that refer to it
};

// One Ingress translated as far as that is possible without looking at any other object.
struct IngressPart {
  ObjectName name;
  std::map<std::string, std::vector<ServedPath>> hosts;    // by name; a host may have no paths of its own
  std::optional<ServedPath> default_path;                  // spec.defaultBackend: "/" of these hosts
  PathSettings settings;                                   // of its paths
  std::map<std::string, UpstreamShare> upstreams;          // by key
  std::map<std::string, TlsShare> tls;                     // by name; of hosts above only
  std::map<ObjectName, std::vector<std::string>> secrets;  // with the fields that refer to them
  std::optional<Balancing> balancing;
  std::vector<PolicyParse::Staged> policies;        // of its paths
  std::vector<std::shared_ptr<const Policy>> site;  // of its hosts, whosever path it is
  bool denies_hosts = false;                        // every path of the hosts it has rules for
  bool denied = false;                              // its own paths
  bool has_rules = false;                           // else its default backend serves the host ""
  Problems problems;

  ObjectRef ref() const;
  // A path of this Ingress that leads nowhere, with what its annotations ask for.
  Path bare_path(const std::string& text) const;
};

std::shared_ptr<const IngressPart> make_part(const IngressVersion& version);

// The part of an Ingress, made when it is looked at. One that is small is not worth keeping: a copy of this starts
// anew. Of one thread.
class LazyPart {
 public:
  explicit LazyPart(std::shared_ptr<const IngressVersion> version) : version_(std::move(version)) {}
  LazyPart(std::shared_ptr<const IngressVersion> version, std::shared_ptr<const IngressPart> part)
      : version_(std::move(version)), part_(std::move(part)) {}

  const IngressPart* get() const {
    if (!part_) part_ = make_part(*version_);
    return part_.get();
  }
  const IngressPart* operator->() const { return get(); }
  const IngressPart& operator*() const { return *get(); }

 private:
  std::shared_ptr<const IngressVersion> version_;
  mutable std::shared_ptr<const IngressPart> part_;
};

// The policies as they stand on a path.
std::vector<std::shared_ptr<const Policy>> bind_policies(const std::vector<PolicyParse::Staged>& policies,
                                                         std::string_view path);

}  // namespace fairlead

#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "router/base/problem.hpp"
#include "router/policies/policy.hpp"
#include "watcher/objects.hpp"
#include "watcher/source.hpp"
#include "watcher/translate.hpp"

namespace fairlead {

struct ObjectNameHash {
  std::size_t operator()(const ObjectName& name) const {
    return std::hash<std::string>{}(name.name) * 31 + std::hash<std::string>{}(name.ns);
  }
};

// What we last heard of one object.
template <class T>
struct Known {
  std::shared_ptr<const T> accepted;  // the last version that is usable; null when there was none
  Problems problems;                  // of the last version, whether usable or not
};

// An Ingress with what its annotations ask for, which decides whether it is accepted.
struct IngressVersion {
  Ingress object;
  PolicyParse::Result policies;
};

struct KnownIngress : Known<IngressVersion> {
  Shared<ClassClaim> claim;  // of the last version that makes one
  bool claim_unreadable = false;
};

// By Service, then by name. The ObjectName is a Service's.
struct SliceOrder {
  using is_transparent = void;
  using Service = std::tuple<const std::string&, const std::string&>;

  static Service service_of(const EndpointSlice& slice) { return {slice.name.ns, slice.service}; }
  bool operator()(const EndpointSlice* a, const EndpointSlice* b) const {
    return std::tuple_cat(service_of(*a), std::tie(a->name.name)) <
           std::tuple_cat(service_of(*b), std::tie(b->name.name));
  }
  bool operator()(const EndpointSlice* a, const ObjectName& b) const { return service_of(*a) < Service(b.ns, b.name); }
  bool operator()(const ObjectName& a, const EndpointSlice* b) const { return Service(a.ns, a.name) < service_of(*b); }
};

// What we last heard from Kubernetes (or read from manifests), by kind and name. An object that gets worse keeps its
// last usable version.
class ClusterState {
 public:
  explicit ClusterState(const TranslateOptions& options)
      : annotations_prefix_(options.annotations_prefix),
        settings_(options.settings),
        namespace_selector_(options.namespace_selector) {}

  // What a Change has really changed. A name may be here although nothing of importance is different.
  struct Touched {
    std::set<std::pair<Kind, ObjectName>> objects;
    std::set<ObjectName> backed;  // Services whose EndpointSlices are others now
    std::set<std::string> names;  // that DNS answered anew
    bool place = false;
    bool source_problems = false;
  };
  void apply(Change change, Touched& touched);

  // As if a Secret that is read by name had never been heard of. Nothing when all Secrets are read anyway, since then
  // nobody would tell it again.
  void forget_secret(const ObjectName& name);

  // As if a name had never been answered.
  void forget_name(const std::string& name) { names_.erase(name); }

  const std::map<ObjectName, KnownIngress>& ingresses() const { return ingresses_; }
  const std::map<ObjectName, Known<IngressClass>>& classes() const { return classes_; }
  const std::map<ObjectName, Known<Service>>& services() const { return services_; }
  const std::map<ObjectName, Known<EndpointSlice>>& slices() const { return slices_; }
  const std::map<ObjectName, Known<Secret>>& secrets() const { return secrets_; }
  // Those that are selected by their labels.
  const std::set<std::string, std::less<>>& selected_namespaces() const { return selected_namespaces_; }
  const Problems& source_problems() const { return source_problems_; }

  // Null when there is none, or none usable.
  const Service* service(const ObjectName& name) const;
  // In the order of their names.
  std::vector<const EndpointSlice*> slices_of(const ObjectName& service) const;

  // Null when DNS has not answered yet.
  const NameAnswer* name_answer(const std::string& name) const;
  const Place& place() const { return place_; }

  // The kind was replaced at least once.
  bool heard_all(Kind kind) const { return heard_all_[static_cast<std::size_t>(kind)]; }
  // Whether it exists is known: it was put or removed, or all of its kind were replaced.
  bool answered(const ObjectName& secret) const;

 private:
  void put(Kind kind, const ObjectName& name, const nlohmann::json& object, Touched& touched);
  void remove(Kind kind, const ObjectName& name, Touched& touched);
  void replace(Kind kind, const ObjectList& objects, Touched& touched);
  void put_ingress(const ObjectName& name, const nlohmann::json& object, Touched& touched);
  void put_slice(const ObjectName& name, const nlohmann::json& object, Touched& touched);
  void list_slice(const EndpointSlice* slice, bool listed, Touched& touched);
  bool put_namespace(const std::string& name, const nlohmann::json& object);
  std::vector<ObjectName> names(Kind kind) const;

  const std::string annotations_prefix_;
  const Settings settings_;
  const std::optional<LabelSelector> namespace_selector_;
  std::map<ObjectName, KnownIngress> ingresses_;
  Shared<ClassClaim> last_claim_;  // most Ingresses claim alike: each shares that of the one before
  std::map<ObjectName, Known<IngressClass>> classes_;
  std::map<ObjectName, Known<Service>> services_;
  std::map<ObjectName, Known<EndpointSlice>> slices_;
  std::map<ObjectName, Known<Secret>> secrets_;
  std::set<const EndpointSlice*, SliceOrder> slices_by_service_;  // accepted ones that belong to one
  std::set<ObjectName> answered_secrets_;
  std::set<std::string, std::less<>> selected_namespaces_;
  std::array<bool, kind_count> heard_all_{};
  Problems source_problems_;
  std::unordered_map<std::string, NameAnswer> names_;
  Place place_;
};

}  // namespace fairlead

#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "router/base/problem.hpp"
#include "router/policies/policy.hpp"
#include "watcher/objects.hpp"
#include "watcher/packed.hpp"
#include "watcher/policy_set.hpp"
#include "watcher/rare_problems.hpp"
#include "watcher/source.hpp"
#include "watcher/translate.hpp"

namespace fairlead {

struct ObjectNameHash {
  std::size_t operator()(const ObjectName& name) const { return hash(name.ns, name.name); }

  static std::size_t hash(std::string_view ns, std::string_view name) {
    return std::hash<std::string_view>{}(name)*31 + std::hash<std::string_view>{}(ns);
  }
};

// What we last heard of one object.
template <class T, class Kept = std::shared_ptr<const T>>
struct Known {
  Kept accepted;          // the last version that is usable; null when there was none
  RareProblems problems;  // of the last version, whether usable or not
};
template <class T>
using KnownPacked = Known<T, Packed<T>>;

// An Ingress with what its annotations ask for, which decides whether it is accepted.
struct IngressVersion {
  PackedIngress packed;
  Shared<ClassClaim> claim;
  std::shared_ptr<const PolicySet> asked;

  Ingress object() const;
  const PolicyParse::Result& policies() const { return asked->policies; }
  bool operator==(const IngressVersion& other) const {
    return packed == other.packed && claim == other.claim && asked->annotations == other.asked->annotations;
  }
};

struct KnownIngress : Known<IngressVersion> {
  Shared<ClassClaim> claim;  // of the last version that makes one
  bool claim_unreadable = false;
};

// By Service, then by name. The ObjectName is a Service's.
struct SliceOrder {
  using is_transparent = void;
  using Slice = std::pair<const ObjectName, KnownPacked<EndpointSlice>>;
  using Service = std::tuple<std::string_view, std::string_view>;

  static Service key(const Slice& slice) { return {slice.first.ns, service_of(slice.second.accepted)}; }
  static Service key(const ObjectName& service) { return {service.ns, service.name}; }
  bool operator()(const Slice* a, const Slice* b) const {
    return std::tuple_cat(key(*a), std::tie(a->first.name)) < std::tuple_cat(key(*b), std::tie(b->first.name));
  }
  bool operator()(const Slice* a, const ObjectName& b) const { return key(*a) < key(b); }
  bool operator()(const ObjectName& a, const Slice* b) const { return key(a) < key(*b); }
};

// What we last heard from Kubernetes (or read from manifests), by kind and name. An object that gets worse keeps its
// last usable version.
class ClusterState {
 public:
  explicit ClusterState(const TranslateOptions& options)
      : annotations_prefix_(options.annotations_prefix),
        namespace_selector_(options.namespace_selector),
        policy_sets_(options.settings) {}

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
  const std::map<ObjectName, KnownPacked<Service>>& services() const { return services_; }
  const std::map<ObjectName, KnownPacked<EndpointSlice>>& slices() const { return slices_; }
  const std::map<ObjectName, Known<Secret>>& secrets() const { return secrets_; }
  // Those that are selected by their labels.
  const std::set<std::string, std::less<>>& selected_namespaces() const { return selected_namespaces_; }
  const Problems& source_problems() const { return source_problems_; }

  // Nothing when there is none, or none usable.
  std::optional<Service> service(const ObjectName& name) const;
  // In the order of their names, one at a time: a large Service has a hundred.
  template <class Visit>
  void for_each_slice_of(const ObjectName& service, Visit visit) const {
    const auto [first, last] = slices_by_service_.equal_range(service);
    for (auto slice = first; slice != last; ++slice) visit((*slice)->second.accepted.unpack((*slice)->first));
  }

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
  bool put_namespace(const std::string& name, const nlohmann::json& object);
  std::vector<ObjectName> names(Kind kind) const;

  const std::string annotations_prefix_;
  const std::optional<LabelSelector> namespace_selector_;
  std::map<ObjectName, KnownIngress> ingresses_;
  Shared<ClassClaim> last_claim_;  // most Ingresses claim alike: each shares that of the one before
  PolicySets policy_sets_;
  std::map<ObjectName, Known<IngressClass>> classes_;
  std::map<ObjectName, KnownPacked<Service>> services_;
  std::map<ObjectName, KnownPacked<EndpointSlice>> slices_;
  std::map<ObjectName, Known<Secret>> secrets_;
  std::set<const SliceOrder::Slice*, SliceOrder> slices_by_service_;  // accepted ones that belong to one
  std::set<ObjectName> answered_secrets_;
  std::set<std::string, std::less<>> selected_namespaces_;
  std::array<bool, kind_count> heard_all_{};
  Problems source_problems_;
  std::unordered_map<std::string, NameAnswer> names_;
  Place place_;
};

}  // namespace fairlead

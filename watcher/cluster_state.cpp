#include "watcher/cluster_state.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "watcher/parse.hpp"

namespace fairlead {
namespace {

// Says what becomes of an object whose last version is refused.
void add_verdict(Problems& problems, Kind kind, const ObjectName& name, bool has_accepted) {
  problems.push_back({{std::string(text_of(kind)), name.ns, name.name},
                      "",
                      has_accepted ? "this version is refused, see its other problems; the last good one stays in use"
                                   : "is refused, see its other problems, and counts as not there",
                      Severity::error});
}

template <class T>
bool same_version(const std::shared_ptr<const T>& a, const std::shared_ptr<const T>& b) {
  return a && *a == *b;
}
template <class T>
bool same_version(const Packed<T>& a, const Packed<T>& b) {
  return a == b;
}

template <class T>
void keep(std::shared_ptr<const T>& kept, T object) {
  kept = std::make_shared<const T>(std::move(object));
}
template <class T>
void keep(Packed<T>& kept, const T& object) {
  kept = Packed<T>(object);
}

// What a newly parsed version has changed.
enum class Taken : std::uint8_t { nothing, problems, version };

template <class T, class Kept>
Taken take_version(Known<T, Kept>& known, bool is_new, Kind kind, const ObjectName& name, Parsed<T> parsed) {
  if (!parsed.object) {
    add_verdict(parsed.problems, kind, name, static_cast<bool>(known.accepted));
    if (!is_new && parsed.problems == known.problems.get()) return Taken::nothing;
    known.problems.set(std::move(parsed.problems));
    return Taken::problems;
  }
  Kept version;
  keep(version, std::move(*parsed.object));
  const bool same = same_version(known.accepted, version);
  if (same && parsed.problems == known.problems.get()) return Taken::nothing;
  if (!same) known.accepted = std::move(version);
  known.problems.set(std::move(parsed.problems));
  return same ? Taken::problems : Taken::version;
}

template <class T, class Kept>
bool put_into(std::map<ObjectName, Known<T, Kept>>& objects, Kind kind, const ObjectName& name, Parsed<T> parsed) {
  const auto [at, is_new] = objects.try_emplace(name);
  return take_version(at->second, is_new, kind, name, std::move(parsed)) != Taken::nothing;
}

template <class Objects>
std::vector<ObjectName> names_of(const Objects& objects) {
  std::vector<ObjectName> names;
  names.reserve(objects.size());
  for (const auto& [name, known] : objects) names.push_back(name);
  return names;
}

Problems findings_as_problems(const PolicyParse::Result& policies, const ObjectName& name, std::string_view prefix) {
  Problems problems;
  for (const PolicyParse::Finding& finding : policies.findings) {
    problems.push_back({{std::string(text_of(Kind::ingress)), name.ns, name.name},
                        "metadata.annotations[\"" + std::string(prefix) + "/" + finding.annotation + "\"]",
                        finding.message,
                        finding.severity});
  }
  return problems;
}

}  // namespace

void ClusterState::apply(Change change, Touched& touched) {
  switch (change.type) {
    case Change::Type::put: {
      const ObjectName name = change.name.name.empty() ? name_of(change.kind, change.object) : change.name;
      return put(change.kind, name, change.object, touched);
    }
    case Change::Type::remove:
      return remove(change.kind, change.name, touched);
    case Change::Type::replace:
      return replace(change.kind, change.objects, touched);
    case Change::Type::problems:
      touched.source_problems = touched.source_problems || source_problems_ != change.problems;
      source_problems_ = std::move(change.problems);
      return;
    case Change::Type::answer:
      touched.names.insert(change.name.name);
      names_.insert_or_assign(change.name.name, std::move(change.answer));
      return;
    case Change::Type::place:
      touched.place = touched.place || place_ != change.place;
      place_ = std::move(change.place);
      return;
  }
}

void ClusterState::forget_secret(const ObjectName& name) {
  if (heard_all(Kind::secret)) return;
  secrets_.erase(name);
  answered_secrets_.erase(name);
}

void ClusterState::put(Kind kind, const ObjectName& name, const nlohmann::json& object, Touched& touched) {
  bool changed = false;
  switch (kind) {
    case Kind::ingress:
      return put_ingress(name, object, touched);
    case Kind::endpoint_slice:
      return put_slice(name, object, touched);
    case Kind::ingress_class:
      changed = put_into(classes_, kind, name, parse_ingress_class(name, object));
      break;
    case Kind::service:
      changed = put_into(services_, kind, name, parse_service(name, object));
      break;
    case Kind::secret:
      answered_secrets_.insert(name);
      changed = put_into(secrets_, kind, name, parse_secret(name, object));
      break;
    case Kind::namespace_object:
      changed = put_namespace(name.name, object);
      break;
  }
  if (changed) touched.objects.emplace(kind, name);
}

bool ClusterState::put_namespace(const std::string& name, const nlohmann::json& object) {
  const bool selected = namespace_selector_ && namespace_selector_->matches(parse_labels(object));
  return selected ? selected_namespaces_.insert(name).second : selected_namespaces_.erase(name) > 0;
}

void ClusterState::put_ingress(const ObjectName& name, const nlohmann::json& object, Touched& touched) {
  const auto [at, is_new] = ingresses_.try_emplace(name);
  KnownIngress& known = at->second;
  ParsedIngress parsed = parse_ingress(name, object, annotations_prefix_);
  Shared<ClassClaim> claim = parsed.claim ? Shared(*parsed.claim) : known.claim;
  claim.share_with(last_claim_);
  last_claim_ = claim;
  std::shared_ptr<const IngressVersion> version;
  if (parsed.object) {
    auto asked = policy_sets_.of(std::move(parsed.object->annotations));
    IngressVersion heard{PackedIngress(*parsed.object), claim, std::move(asked)};
    const bool known_already = known.accepted && *known.accepted == heard;
    version = known_already ? known.accepted : std::make_shared<const IngressVersion>(std::move(heard));
  }
  if (version) {
    const Problems found = findings_as_problems(version->policies(), name, annotations_prefix_);
    parsed.problems.insert(parsed.problems.end(), found.begin(), found.end());
    if (version->policies().rejected) version = nullptr;
  }
  if (!version) add_verdict(parsed.problems, Kind::ingress, name, known.accepted != nullptr);
  const bool same_version = !version || version == known.accepted;
  if (!is_new && same_version && claim == known.claim && parsed.problems == known.problems.get()) return;
  if (version) known.accepted = std::move(version);
  known.claim = std::move(claim);
  known.claim_unreadable = !parsed.claim;
  known.problems.set(std::move(parsed.problems));
  touched.objects.emplace(Kind::ingress, name);
}

Ingress IngressVersion::object() const {
  Ingress ingress = packed.unpack();
  ingress.claim = claim;
  ingress.annotations = asked->annotations;
  return ingress;
}

// Where slices_by_service_ has it depends on what is accepted: it is taken out meanwhile.
void ClusterState::put_slice(const ObjectName& name, const nlohmann::json& object, Touched& touched) {
  const auto [at, is_new] = slices_.try_emplace(name);
  const std::string service_before(service_of(at->second.accepted));
  slices_by_service_.erase(&*at);
  const Taken taken = take_version(at->second, is_new, Kind::endpoint_slice, name, parse_endpoint_slice(name, object));
  const std::string service(service_of(at->second.accepted));
  if (!service.empty()) slices_by_service_.insert(&*at);
  if (taken != Taken::nothing) touched.objects.emplace(Kind::endpoint_slice, name);
  if (taken != Taken::version) return;
  for (const std::string& backed : {service_before, service}) {
    if (!backed.empty()) touched.backed.insert({name.ns, backed});
  }
}

void ClusterState::remove(Kind kind, const ObjectName& name, Touched& touched) {
  std::size_t removed = 0;
  switch (kind) {
    case Kind::ingress:
      removed = ingresses_.erase(name);
      break;
    case Kind::ingress_class:
      removed = classes_.erase(name);
      break;
    case Kind::service:
      removed = services_.erase(name);
      break;
    case Kind::endpoint_slice: {
      const auto found = slices_.find(name);
      if (found == slices_.end()) return;
      slices_by_service_.erase(&*found);
      if (const std::string_view service = service_of(found->second.accepted); !service.empty()) {
        touched.backed.insert({name.ns, std::string(service)});
      }
      slices_.erase(found);
      removed = 1;
      break;
    }
    case Kind::secret:
      // That it does not exist may be news even if it was never there.
      removed = secrets_.erase(name) + (answered_secrets_.insert(name).second ? 1U : 0U);
      break;
    case Kind::namespace_object:
      removed = selected_namespaces_.erase(name.name);
      break;
  }
  if (removed > 0) touched.objects.emplace(kind, name);
}

void ClusterState::replace(Kind kind, const ObjectList& objects, Touched& touched) {
  std::set<ObjectName> present;
  for (const nlohmann::json& object : objects) {
    const ObjectName name = name_of(kind, object);
    put(kind, name, object, touched);
    present.insert(name);
  }
  for (const ObjectName& name : names(kind)) {
    if (!present.contains(name)) remove(kind, name, touched);
  }
  bool& heard = heard_all_[static_cast<std::size_t>(kind)];
  if (kind == Kind::secret && !heard) {
    // Those that are not there are known not to be, as of now.
    heard = true;
    touched.objects.emplace(kind, ObjectName{});
  }
  heard = true;
}

std::vector<ObjectName> ClusterState::names(Kind kind) const {
  switch (kind) {
    case Kind::ingress:
      return names_of(ingresses_);
    case Kind::ingress_class:
      return names_of(classes_);
    case Kind::service:
      return names_of(services_);
    case Kind::endpoint_slice:
      return names_of(slices_);
    case Kind::secret:
      return names_of(secrets_);
    case Kind::namespace_object: {
      std::vector<ObjectName> names;
      for (const std::string& name : selected_namespaces_) names.push_back({"", name});
      return names;
    }
  }
  return {};
}

std::optional<Service> ClusterState::service(const ObjectName& name) const {
  const auto found = services_.find(name);
  if (found == services_.end() || !found->second.accepted) return std::nullopt;
  return found->second.accepted.unpack(name);
}

const NameAnswer* ClusterState::name_answer(const std::string& name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : &found->second;
}

bool ClusterState::answered(const ObjectName& secret) const {
  return heard_all(Kind::secret) || answered_secrets_.contains(secret);
}

}  // namespace fairlead

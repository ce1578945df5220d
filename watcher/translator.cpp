#include "watcher/translator.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "watcher/cluster_state.hpp"
#include "watcher/found_endpoints.hpp"
#include "watcher/ingress_class.hpp"
#include "watcher/ingress_part.hpp"
#include "watcher/ingress_set.hpp"
#include "watcher/name_wants.hpp"
#include "watcher/part_set.hpp"
#include "watcher/problem_list.hpp"
#include "watcher/references.hpp"

namespace fairlead {
namespace {

using Area = ProblemList::Area;

std::string id_of(const ObjectName& name) {
  return name.ns + "/" + name.name;
}

template <class T, class Kept>
Problems problems_in(const std::map<ObjectName, Known<T, Kept>>& objects, const ObjectName& name) {
  const auto found = objects.find(name);
  return found == objects.end() ? Problems{} : found->second.problems.get();
}

// Takes over one part; says in the delta what is different.
template <class Part, class Delta>
void settle(PartSet<Part>& current, Delta& delta, const std::string& name, std::shared_ptr<const Part> part) {
  if (current.put(name, part)) delta.insert_or_assign(name, std::move(part));
}

// Takes over the part of each name, as build makes it. The delta comes last: it goes before all else does, and is not
// to leave a hole between any two parts.
template <class Part, class Delta, class Build>
void settle_all(PartSet<Part>& current, Delta& delta, const std::set<std::string>& names, Build build) {
  std::vector<std::pair<const std::string*, std::shared_ptr<const Part>>> changed;
  changed.reserve(names.size());
  for (const std::string& name : names) changed.emplace_back(&name, build(name));
  std::erase_if(changed, [&](const auto& one) { return !current.put(*one.first, one.second); });
  for (auto& [name, part] : changed) delta.emplace_hint(delta.end(), *name, std::move(part));
}

}  // namespace

struct Translator::Parts {
  explicit Parts(TranslateOptions given)
      : options(std::move(given)), state(options), references(options, dirty), rules(class_rules(state, options)) {
    follow_wants(dirty.secrets);
  }

  void take_over(const ClusterState::Touched& touched);
  void touch(Kind kind, const ObjectName& name);
  void touch_secret(const ObjectName& name);
  void touch_classes(std::set<ObjectName>& ingresses);
  // What an Ingress refers to, or did, and who may be wanted or not any more.
  struct Named {
    std::set<ObjectName> secrets;
    std::set<ObjectName> services;

    void add(const IngressPart& part);
  };
  void refresh_ingress(const ObjectName& name, Named& named);
  void follow_wants(const std::set<ObjectName>& secrets);
  void follow_names(const std::set<ObjectName>& services, const std::set<std::string>& answered);
  Step settle_dirty();
  bool waits_for_secret(const IngressVersion& version) const;
  std::vector<std::pair<ObjectName, bool>> take_served();

  const TranslateOptions options;
  ClusterState state;
  Dirty dirty;  // since the last step
  References references;
  ClassRules rules;
  IngressSet serving;                   // our Ingresses
  std::set<ObjectName> served_changed;  // Ingresses; since they were last told
  std::set<ObjectName> wanted;          // Secrets
  std::set<ObjectName> unanswered;      // of these
  std::vector<SecretWant> wants;        // how they changed since that was last told
  NameWants names;
  ProblemList problems;
  // The Config that the steps so far add up to.
  PartSet<Host> hosts;
  PartSet<Upstream> upstreams;
  PartSet<TlsHost> tls_hosts;
  bool first = true;
};

void Translator::Parts::take_over(const ClusterState::Touched& touched) {
  std::set<ObjectName> ingresses;
  bool classes = false;
  for (const auto& [kind, name] : touched.objects) {
    if (kind == Kind::ingress) ingresses.insert(name);
    classes = classes || kind == Kind::ingress_class || kind == Kind::namespace_object;
    touch(kind, name);
  }
  if (classes) touch_classes(ingresses);
  Named named;
  for (const auto& [kind, name] : touched.objects) {
    if (kind == Kind::secret) named.secrets.insert(name);
    if (kind == Kind::service) named.services.insert(name);
  }
  for (const ObjectName& name : ingresses) refresh_ingress(name, named);
  follow_wants(named.secrets);
  follow_names(named.services, touched.names);
  if (touched.place) references.touch_every_service(dirty);
  for (const ObjectName& service : touched.backed) references.touch_service(service, dirty);
  if (touched.source_problems) problems.set({Area::source, ""}, state.source_problems());
}

void Translator::Parts::touch(Kind kind, const ObjectName& name) {
  switch (kind) {
    case Kind::ingress:
      return;  // refresh_ingress
    case Kind::ingress_class:
      return problems.set({Area::ingress_class, id_of(name)}, problems_in(state.classes(), name));
    case Kind::service:
      problems.set({Area::service, id_of(name)}, problems_in(state.services(), name));
      return references.touch_service(name, dirty);
    case Kind::endpoint_slice:
      return problems.set({Area::endpoint_slice, id_of(name)}, problems_in(state.slices(), name));
    case Kind::secret:
      return touch_secret(name);
    case Kind::namespace_object:
      return;  // touch_classes
  }
}

// The name "" stands for all: what was not heard of is known not to exist, now.
void Translator::Parts::touch_secret(const ObjectName& name) {
  if (!name.name.empty()) {
    unanswered.erase(name);
    return references.touch_secret(name, dirty);
  }
  unanswered.clear();
  for (const ObjectName& secret : wanted) references.touch_secret(secret, dirty);
}

// Finds the Ingresses that the classes and namespaces make ours, or no longer ours.
void Translator::Parts::touch_classes(std::set<ObjectName>& ingresses) {
  ClassRules next = class_rules(state, options);
  if (next == rules) return;
  for (const auto& [name, known] : state.ingresses()) {
    const bool same = ownership(*known.claim, next, options) == ownership(*known.claim, rules, options) &&
                      served_version(name, known, next, options) == served_version(name, known, rules, options) &&
                      next.selects(name.ns) == rules.selects(name.ns);
    if (!same) ingresses.insert(name);
  }
  rules = std::move(next);
}

void Translator::Parts::Named::add(const IngressPart& part) {
  for (const auto& [secret, fields] : part.secrets) secrets.insert(secret);
  for (const auto& [key, share] : part.upstreams) services.insert(share.target.service);
}

void Translator::Parts::refresh_ingress(const ObjectName& name, Named& named) {
  const auto known = state.ingresses().find(name);
  const bool exists = known != state.ingresses().end();
  Problems found = exists ? ingress_problems(name, known->second, rules, options) : Problems{};
  const auto version = exists ? served_version(name, known->second, rules, options) : nullptr;
  const auto before = serving.find(name);
  const std::shared_ptr<const IngressVersion> last = before == serving.end() ? nullptr : *before;
  const auto part = version ? make_part(*version) : nullptr;
  if (version != last) {
    served_changed.insert(name);
    if (last) {
      const auto last_part = make_part(*last);
      named.add(*last_part);
      references.remove(*last, *last_part, dirty);
      serving.erase(before);
    }
    if (version) {
      named.add(*part);
      references.add(version, part, dirty);
      serving.insert(version);
    }
  }
  if (part) found.insert(found.end(), part->problems.begin(), part->problems.end());
  problems.set({Area::ingress, id_of(name)}, std::move(found));
}

void Translator::Parts::follow_wants(const std::set<ObjectName>& secrets) {
  for (const ObjectName& secret : secrets) {
    const bool now_wanted = references.wants(secret);
    if (!now_wanted) state.forget_secret(secret);
    if (now_wanted == wanted.contains(secret)) continue;
    wants.push_back({secret, now_wanted});
    if (now_wanted) {
      wanted.insert(secret);
      if (!state.answered(secret)) unanswered.insert(secret);
    } else {
      wanted.erase(secret);
      unanswered.erase(secret);
    }
  }
}

void Translator::Parts::follow_names(const std::set<ObjectName>& services, const std::set<std::string>& answered) {
  for (const ObjectName& name : services) {
    const auto service = references.leads_to(name) ? state.service(name) : std::nullopt;
    names.set(name, service ? name_to_resolve(*service, options) : std::string());
  }
  for (const std::string& name : answered) {
    if (!names.wants(name)) state.forget_name(name);
    for (const ObjectName& service : names.services_of(name)) references.touch_service(service, dirty);
  }
  for (const std::string& name : names.take_dropped()) state.forget_name(name);
}

Translator::Step Translator::Parts::settle_dirty() {
  Step step;
  const Dirty now = std::exchange(dirty, {});
  settle_all(hosts, step.delta.hosts, now.hosts, [&](const std::string& name) {
    Built<Host> built = references.host(name);
    problems.set({Area::host, name}, std::move(built.problems));
    return std::move(built.part);
  });
  settle_all(upstreams, step.delta.upstreams, now.upstreams, [&](const std::string& key) {
    Built<Upstream> built = references.upstream(key, state);
    problems.set({Area::upstream, key}, std::move(built.problems));
    return std::move(built.part);
  });
  for (const std::string& name : now.tls_hosts) {
    // Until a Secret is answered, which makes the host dirty again, what is served stays.
    if (tls_hosts.contains(name) && references.refers(name, unanswered)) continue;
    settle(tls_hosts, step.delta.tls_hosts, name, references.tls_host(name, state));
  }
  for (const ObjectName& secret : now.secrets) {
    problems.set({Area::secret, id_of(secret)}, references.problems_of_secret(secret, state));
  }
  return step;
}

// Another certificate would be served for it.
bool Translator::Parts::waits_for_secret(const IngressVersion& version) const {
  if (unanswered.empty()) return false;
  const auto part = make_part(version);
  return std::any_of(part->secrets.begin(), part->secrets.end(),
                     [&](const auto& secret) { return unanswered.contains(secret.first); });
}

std::vector<std::pair<ObjectName, bool>> Translator::Parts::take_served() {
  std::vector<std::pair<ObjectName, bool>> changed;
  for (auto at = served_changed.begin(); at != served_changed.end();) {
    const auto found = serving.find(*at);
    if (found != serving.end() && waits_for_secret(**found)) {
      ++at;
      continue;
    }
    changed.emplace_back(*at, found != serving.end());
    at = served_changed.erase(at);
  }
  return changed;
}

Translator::Translator(TranslateOptions options) : parts_(std::make_unique<Parts>(std::move(options))) {}
Translator::~Translator() = default;

void Translator::apply(std::vector<Change> changes) {
  ClusterState::Touched touched;
  for (Change& change : changes) parts_->state.apply(std::move(change), touched);
  parts_->take_over(touched);
}

Translator::Step Translator::step() {
  Step step = parts_->settle_dirty();
  const bool first = std::exchange(parts_->first, false);
  if (first) {
    step.delta.settings = std::make_shared<const Settings>(parts_->options.settings);
  }
  step.problems_changed = parts_->problems.take_changed() || first;
  step.problems = parts_->problems.all();
  step.served = parts_->take_served();
  return step;
}

const std::set<ObjectName>& Translator::wanted_secrets() const {
  return parts_->wanted;
}

std::vector<SecretWant> Translator::take_wants() {
  return std::exchange(parts_->wants, {});
}

const std::set<std::string>& Translator::wanted_names() const {
  return parts_->names.all();
}

std::uint64_t Translator::wanted_names_version() const {
  return parts_->names.version();
}

bool Translator::names_answered() const {
  const std::set<std::string>& names = parts_->names.all();
  return std::all_of(names.begin(), names.end(),
                     [&](const std::string& name) { return parts_->state.name_answer(name); });
}

bool Translator::synced() const {
  if (!parts_->first) return true;
  for (const Kind kind : {Kind::ingress, Kind::ingress_class, Kind::service, Kind::endpoint_slice}) {
    if (!parts_->state.heard_all(kind)) return false;
  }
  if (parts_->options.namespace_selector && !parts_->state.heard_all(Kind::namespace_object)) return false;
  return parts_->unanswered.empty();
}

}  // namespace fairlead

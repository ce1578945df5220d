#include "watcher/ingress_class.hpp"

namespace fairlead {

ClassRules class_rules(const ClusterState& state, const TranslateOptions& options) {
  ClassRules rules;
  for (const auto& [name, known] : state.classes()) {
    rules.known.insert(name.name);
    if (!known.accepted || known.accepted->controller != options.controller_class) continue;
    rules.ours.insert(name.name);
    rules.default_is_ours = rules.default_is_ours || known.accepted->is_default;
  }
  if (options.namespace_selector) rules.namespaces = state.selected_namespaces();
  return rules;
}

Ownership ownership(const ClassClaim& claim, const ClassRules& rules, const TranslateOptions& options) {
  if (claim.name) {
    if (rules.ours.contains(*claim.name)) return Ownership::ours;
    return rules.known.contains(*claim.name) ? Ownership::others : Ownership::unknown_class;
  }
  const bool ours = claim.annotation.empty() ? rules.default_is_ours || options.watch_ingress_without_class
                                             : claim.annotation == options.ingress_class;
  return ours ? Ownership::ours : Ownership::others;
}

std::shared_ptr<const IngressVersion> served_version(const ObjectName& name, const KnownIngress& known,
                                                     const ClassRules& rules, const TranslateOptions& options) {
  const auto is_ours = [&](const ClassClaim& claim) { return ownership(claim, rules, options) == Ownership::ours; };
  const bool served =
      known.accepted && is_ours(*known.claim) && is_ours(*known.accepted->claim) && rules.selects(name.ns);
  return served ? known.accepted : nullptr;
}

Problems ingress_problems(const ObjectName& name, const KnownIngress& known, const ClassRules& rules,
                          const TranslateOptions& options) {
  if (!rules.selects(name.ns)) return {};
  if (known.claim_unreadable) return known.problems.get();
  switch (ownership(*known.claim, rules, options)) {
    case Ownership::ours:
      return known.problems.get();
    case Ownership::others:
      return {};
    case Ownership::unknown_class:
      return {{{std::string(text_of(Kind::ingress)), name.ns, name.name},
               "spec.ingressClassName",
               "\"" + *known.claim->name +
                   "\" is no IngressClass, so that no controller serves this Ingress; create it "
                   "or correct the name",
               Severity::error}};
  }
  return {};
}

}  // namespace fairlead

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "watcher/cluster_state.hpp"
#include "watcher/objects.hpp"
#include "watcher/translate.hpp"

namespace fairlead {

// What the IngressClasses and Namespaces say, as far as it decides which Ingresses are ours.
struct ClassRules {
  std::set<std::string, std::less<>> known;
  std::set<std::string, std::less<>> ours;
  bool default_is_ours = false;
  std::optional<std::set<std::string, std::less<>>> namespaces;  // nothing: all

  bool selects(const std::string& ns) const { return !namespaces || namespaces->contains(ns); }

  bool operator==(const ClassRules&) const = default;
};

enum class Ownership { ours, others, unknown_class };

ClassRules class_rules(const ClusterState& state, const TranslateOptions& options);

// Contract 3.2: spec.ingressClassName, else the legacy annotation, else the default class or
// --watch-ingress-without-class.
Ownership ownership(const ClassClaim& claim, const ClassRules& rules, const TranslateOptions& options);

// The version of an Ingress that we serve: its last good one, as long as we are asked to, and were asked to by that
// one.
std::shared_ptr<const IngressVersion> served_version(const ObjectName& name, const KnownIngress& known,
                                                     const ClassRules& rules, const TranslateOptions& options);

// What is wrong with the Ingress itself, as far as it is our business. Whose it is when it does not even say that
// readably is everybody's.
Problems ingress_problems(const ObjectName& name, const KnownIngress& known, const ClassRules& rules,
                          const TranslateOptions& options);

}  // namespace fairlead

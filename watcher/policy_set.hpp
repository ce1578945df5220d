#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>

#include "router/config.hpp"
#include "router/policies/policy.hpp"

namespace fairlead {

// What one set of annotations asks for. Shared by all Ingresses that have the same.
struct PolicySet {
  PolicyParse::Annotations annotations;
  PolicyParse::Result policies;
};

// Finds those that are in use. Of one thread.
class PolicySets {
 public:
  explicit PolicySets(const Settings& settings) : settings_(settings) {}

  // Never null.
  std::shared_ptr<const PolicySet> of(PolicyParse::Annotations annotations);

  // About how many are remembered, in use or not: no more than twice as many as are in use, or a few.
  std::size_t size() const { return known_.size(); }

 private:
  void forget_unused();

  const Settings settings_;
  std::unordered_multimap<std::size_t, std::weak_ptr<const PolicySet>> known_;  // by hash of the annotations
  std::size_t forget_at_ = 16;                                                  // size at which to look for unused ones
};

}  // namespace fairlead

#include "watcher/policy_set.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

namespace fairlead {
namespace {

constexpr std::size_t few = 16;

std::size_t hash_of(const PolicyParse::Annotations& annotations) {
  std::size_t hash = annotations.size();
  for (const auto& [name, value] : annotations) {
    hash = hash * 31 + std::hash<std::string>{}(name);
    hash = hash * 31 + std::hash<std::string>{}(value);
  }
  return hash;
}

}  // namespace

std::shared_ptr<const PolicySet> PolicySets::of(PolicyParse::Annotations annotations) {
  const std::size_t hash = hash_of(annotations);
  const auto [first, last] = known_.equal_range(hash);
  for (auto at = first; at != last; ++at) {
    auto known = at->second.lock();
    if (known && known->annotations == annotations) return known;
  }
  if (known_.size() >= forget_at_) forget_unused();
  auto policies = parse_policies(annotations, settings_);
  // Not make_shared, whose memory would be there for as long as it is remembered.
  std::shared_ptr<const PolicySet> made(new PolicySet{std::move(annotations), std::move(policies)});
  known_.emplace(hash, made);
  return made;
}

void PolicySets::forget_unused() {
  std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
  forget_at_ = std::max(few, 2 * known_.size());
}

}  // namespace fairlead

#pragma once

#include <cstddef>
#include <memory>
#include <unordered_set>

#include "watcher/cluster_state.hpp"

namespace fairlead {

struct IngressHash {
  using is_transparent = void;
  std::size_t operator()(const ObjectName& name) const noexcept { return ObjectNameHash{}(name); }
  std::size_t operator()(const std::shared_ptr<const IngressVersion>& version) const noexcept {
    const PackedIngress::Head head = version->packed.head();
    return ObjectNameHash::hash(head.ns, head.name);
  }
};
struct SameIngress {
  using is_transparent = void;
  using Version = std::shared_ptr<const IngressVersion>;
  bool operator()(const Version& a, const Version& b) const {
    return a == b || a->packed.head().same_name(b->packed.head());
  }
  bool operator()(const ObjectName& a, const Version& b) const { return b->packed.head().names(a); }
  bool operator()(const Version& a, const ObjectName& b) const { return a->packed.head().names(b); }
};
// Versions by the name that each holds itself.
using IngressSet = std::unordered_set<std::shared_ptr<const IngressVersion>, IngressHash, SameIngress>;

}  // namespace fairlead

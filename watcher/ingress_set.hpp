#pragma once

#include <cstddef>
#include <memory>
#include <unordered_set>

#include "watcher/cluster_state.hpp"

namespace fairlead {

struct IngressHash {
  using is_transparent = void;
  std::size_t operator()(const ObjectName& name) const { return ObjectNameHash{}(name); }
  std::size_t operator()(const std::shared_ptr<const IngressVersion>& version) const {
    return ObjectNameHash{}(version->object.name);
  }
};
struct SameIngress {
  using is_transparent = void;
  using Version = std::shared_ptr<const IngressVersion>;
  bool operator()(const Version& a, const Version& b) const { return a->object.name == b->object.name; }
  bool operator()(const ObjectName& a, const Version& b) const { return a == b->object.name; }
  bool operator()(const Version& a, const ObjectName& b) const { return a->object.name == b; }
};
// Versions by the name that each holds itself.
using IngressSet = std::unordered_set<std::shared_ptr<const IngressVersion>, IngressHash, SameIngress>;

}  // namespace fairlead

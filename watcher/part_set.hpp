#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <unordered_set>

#include "router/config.hpp"

namespace fairlead {

inline std::string_view name_of(const Host& host) {
  return host.name;
}
inline std::string_view name_of(const Upstream& upstream) {
  return upstream.key;
}
inline std::string_view name_of(const TlsHost& host) {
  return host.name;
}

// Parts of a Config by the names that they hold themselves, which need no second copy.
template <class Part>
class PartSet {
 public:
  using Pointer = std::shared_ptr<const Part>;

  bool contains(std::string_view name) const { return parts_.contains(name); }

  // Takes over what is there now under the name; null: nothing. False when that was so before, by value.
  bool put(std::string_view name, const Pointer& part) {
    const auto found = parts_.find(name);
    if (found == parts_.end()) return part && parts_.insert(part).second;
    if (part && **found == *part) return false;
    parts_.erase(found);
    if (part) parts_.insert(part);
    return true;
  }

 private:
  struct Hash {  // noexcept, so that the set keeps no copy of it
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const noexcept { return std::hash<std::string_view>{}(name); }
    std::size_t operator()(const Pointer& part) const noexcept { return (*this)(name_of(*part)); }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const Pointer& a, const Pointer& b) const { return name_of(*a) == name_of(*b); }
    bool operator()(const Pointer& a, std::string_view b) const { return name_of(*a) == b; }
    bool operator()(std::string_view a, const Pointer& b) const { return a == name_of(*b); }
  };
  std::unordered_set<Pointer, Hash, Equal> parts_;
};

}  // namespace fairlead

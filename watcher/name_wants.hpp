#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "watcher/cluster_state.hpp"
#include "watcher/source.hpp"

namespace fairlead {

// Which Services want which DNS name to be resolved.
class NameWants {
 public:
  // name: "" for a Service that wants none.
  void set(const ObjectName& service, const std::string& name) {
    const auto before = by_service_.find(service);
    if (before != by_service_.end()) {
      if (before->second == name) return;
      drop(service, before->second);
      by_service_.erase(before);
    }
    if (name.empty()) return;
    by_service_.emplace(service, name);
    services_[name].insert(service);
    if (!names_.insert(name).second) return;
    dropped_.erase(name);
    ++version_;
  }

  const std::set<std::string>& all() const { return names_; }
  bool wants(const std::string& name) const { return names_.contains(name); }
  std::set<ObjectName> services_of(const std::string& name) const {
    const auto found = services_.find(name);
    return found == services_.end() ? std::set<ObjectName>() : found->second;
  }
  std::uint64_t version() const { return version_; }  // moves whenever all() does

  // Those that nobody wants any more, since the last call.
  std::set<std::string> take_dropped() { return std::exchange(dropped_, {}); }

 private:
  void drop(const ObjectName& service, const std::string& name) {
    const auto users = services_.find(name);
    users->second.erase(service);
    if (!users->second.empty()) return;
    services_.erase(users);
    names_.erase(name);
    dropped_.insert(name);
    ++version_;
  }

  std::unordered_map<ObjectName, std::string, ObjectNameHash> by_service_;
  std::unordered_map<std::string, std::set<ObjectName>> services_;  // by the name they want
  std::set<std::string> names_;                                     // of these
  std::set<std::string> dropped_;
  std::uint64_t version_ = 0;
};

}  // namespace fairlead

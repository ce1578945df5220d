#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace fairlead {

// When each resource of the API server was last heard of: "ingresses", "secrets" (the one that is heard of least). From
// any thread.
class ApiContacts {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using ByResource = std::map<std::string, Time>;

  void set(ByResource contacts) {
    const std::lock_guard lock(mutex_);
    contacts_ = std::move(contacts);
  }

  // In seconds.
  std::vector<std::pair<std::string, double>> ages(Time now) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::pair<std::string, double>> ages;
    for (const auto& [resource, at] : contacts_) {
      ages.emplace_back(resource, std::chrono::duration<double>(now - at).count());
    }
    return ages;
  }

 private:
  mutable std::mutex mutex_;
  ByResource contacts_;
};

}  // namespace fairlead

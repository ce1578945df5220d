#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "router/base/log.hpp"
#include "router/base/problem.hpp"
#include "watcher/reflector.hpp"

namespace fairlead {

// What keeps an API source from hearing, by resource. Thousands of Secrets with the same trouble are one Problem and
// one log line; a trouble is logged when it comes and when it goes, and not at each try between.
class SourceTroubles {
 public:
  explicit SourceTroubles(Log& log) : log_(log) {}

  // The trouble of reflector `id`, which is one of the group `plural`; null when it has none (any more).
  // True when problems() has changed.
  bool set(std::uint64_t id, const std::string& plural, const Trouble* trouble);

  Problems problems() const;

 private:
  using Group = std::pair<std::string, Trouble::Cause>;  // "secrets", forbidden
  struct Entry {
    std::size_t reflectors = 0;
    std::string message;  // of the first
  };

  bool leave(const Group& group);
  bool enter(const Group& group, const Trouble& trouble);

  Log& log_;
  std::unordered_map<std::uint64_t, Group> of_;
  std::map<Group, Entry> entries_;
};

}  // namespace fairlead

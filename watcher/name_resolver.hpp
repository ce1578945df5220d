#pragma once

#include <memory>
#include <set>
#include <string>

#include "router/base/result.hpp"
#include "watcher/name_table.hpp"
#include "watcher/source.hpp"

namespace fairlead {

struct NameResolverOptions {
  std::string servers;                        // "10.96.0.10,[fd00::a]:5353"; "" = those of /etc/resolv.conf
  std::chrono::milliseconds patience{2'000};  // with a server that is silent, before the next one is asked
  NameLimits limits;
};

// Keeps asking DNS for the names that are wanted, on a thread of its own until it is destroyed, and tells what it hears
// as Changes of type `answer`: the first of each name after its first question, even if nobody could be asked.
class NameResolver {
 public:
  // Fails when the servers are no list of servers. sink must outlive it.
  static Result<std::unique_ptr<NameResolver>> start(const NameResolverOptions& options, ChangeSink& sink);

  virtual ~NameResolver() = default;

  // These names and no others; a name that was not among the last ones is told again. Safe from any thread.
  virtual void want(const std::set<std::string>& names) = 0;
};

}  // namespace fairlead

#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "router/base/problem.hpp"
#include "router/config.hpp"
#include "watcher/source.hpp"
#include "watcher/translate.hpp"

namespace fairlead {

// The incremental translate: the steps so far add up to translate() of what was applied so far, save that a host keeps
// its certificates until every Secret it is to have now is answered. A step costs what the changes touch, not what
// there is. Secrets that are read by name are forgotten when nobody wants them any more. Of one thread.
class Translator {
 public:
  explicit Translator(TranslateOptions options);
  ~Translator();

  void apply(std::vector<Change> changes);

  struct Step {
    ConfigDelta delta;
    std::shared_ptr<const Problems> problems;  // all current ones, sorted; never null
    bool problems_changed = false;
    // Ingresses that this step brings into service, in this version, with every Secret they name looked at; and those
    // that it takes out of service.
    std::vector<std::pair<ObjectName, bool>> served;
  };
  // All that changed since the last step; the first holds everything.
  Step step();

  // Those that our Ingresses and options reference, as of the last apply.
  const std::set<ObjectName>& wanted_secrets() const;
  // How they changed since this was last asked.
  std::vector<SecretWant> take_wants();

  // DNS names that Services of type ExternalName stand for which our Ingresses and options lead to, as of the last
  // apply. They are forgotten when nobody leads to them any more.
  const std::set<std::string>& wanted_names() const;
  // Moves whenever wanted_names() does.
  std::uint64_t wanted_names_version() const;
  // DNS was heard about every one of them, if only that it cannot be asked.
  bool names_answered() const;

  // The first step may be taken: every kind but Secret (Namespace, where it is selected by) was replaced once, and
  // every wanted Secret was answered (or Secret was replaced too). So it stays from then on: a Secret that is not
  // answered later keeps nobody else waiting.
  bool synced() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace fairlead

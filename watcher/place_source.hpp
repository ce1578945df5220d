#pragma once

#include <memory>

#include "router/base/log.hpp"
#include "watcher/api_client.hpp"
#include "watcher/source.hpp"

namespace fairlead {

// Tells as a Change of type `place` where the pod runs, once that is found out, on a thread of its own which ends then.
class PlaceSource {
 public:
  // pod: our own. log and sink must outlive it.
  static std::unique_ptr<PlaceSource> start(const ObjectName& pod, std::unique_ptr<ApiClient> client, Log& log,
                                            ChangeSink& sink);

  virtual ~PlaceSource() = default;
};

}  // namespace fairlead

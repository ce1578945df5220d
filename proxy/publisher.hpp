#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "proxy/snapshot.hpp"
#include "router/base/log.hpp"
#include "router/base/problem.hpp"

namespace fairlead {

// Turns each step of the configuration into a Snapshot and hands it on. update() is called by one thread; the rest may
// be called by any.
class Publisher {
 public:
  using Publish = std::function<void(const std::shared_ptr<const Snapshot>&)>;

  Publisher(Log& log, Publish publish);

  // Compiles only what the delta names. problems: all of those that the configuration has.
  void update(std::uint64_t generation, const ConfigDelta& delta, const std::shared_ptr<const Problems>& problems);

  std::shared_ptr<const Snapshot> snapshot() const;  // null before the first
  std::shared_ptr<const Problems> problems()
      const;  // of the configuration and of the certificates; null before the first

 private:
  Log& log_;
  const Publish publish_;
  std::shared_ptr<const RouteTable> routes_;
  std::shared_ptr<const CertificateStore> certificates_;
  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<const Snapshot> snapshot_;
  std::shared_ptr<const Problems> problems_;
};

}  // namespace fairlead

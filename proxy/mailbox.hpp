#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "proxy/readiness_set.hpp"

namespace fairlead {

// How other threads ask something of a Worker: what is posted runs on its thread, between two looks at the kernel.
class Mailbox final : public EventTarget {
 public:
  explicit Mailbox(ReadinessSet& readiness);

  bool usable() const { return usable_; }
  void post(std::function<void()> letter);  // any thread
  void run() override;

 private:
  Socket event_;
  bool usable_ = false;
  std::mutex mutex_;
  std::vector<std::function<void()>> letters_;
};

}  // namespace fairlead

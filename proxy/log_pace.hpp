#pragma once

#include "proxy/timer_wheel.hpp"

namespace fairlead {

// Lets one of many like log lines through, and then none for a while: what a flood of clients can cause must not flood
// the log.
class LogPace {
 public:
  static constexpr LoopTime pause{10'000};

  bool due(LoopTime now) {
    if (now < next_) return false;
    next_ = now + pause;
    return true;
  }

 private:
  LoopTime next_{0};
};

}  // namespace fairlead

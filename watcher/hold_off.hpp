#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace fairlead {

// When to act on changes that come in crowds: a change waits `quiet` for others to join it, each of which is waited for
// in turn, but none waits longer than `most`.
class HoldOff {
 public:
  using Time = std::chrono::steady_clock::time_point;

  HoldOff(std::chrono::milliseconds quiet, std::chrono::milliseconds most) : quiet_(quiet), most_(most) {}

  void on_change(Time now) {
    if (!first_) first_ = now;
    last_ = now;
  }

  // Nothing when nothing changed since the last take.
  std::optional<Time> due_at() const {
    if (!first_) return std::nullopt;
    return std::min(last_ + quiet_, *first_ + std::max(quiet_, most_));
  }

  // True once for each crowd, when its time has come.
  bool take(Time now) {
    if (!first_ || now < *due_at()) return false;
    first_.reset();
    return true;
  }

 private:
  const std::chrono::milliseconds quiet_;
  const std::chrono::milliseconds most_;
  std::optional<Time> first_;  // change since the last take
  Time last_{};
};

}  // namespace fairlead

#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>

namespace fairlead {

// So many at once, and so many a second on average. Full in the beginning.
class TokenBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;

  TokenBucket(double per_second, double burst) : per_second_(per_second), burst_(burst), tokens_(burst) {}

  bool take(Time now) {
    fill(now);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

  // When there will be one.
  Time ready_at(Time now) {
    fill(now);
    if (tokens_ >= 1) return now;
    const double seconds = (1 - tokens_) / per_second_;
    return now + std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1000)));
  }

 private:
  void fill(Time now) {
    if (filled_ == Time{}) filled_ = now;
    const std::chrono::duration<double> passed = std::max(now, filled_) - filled_;
    tokens_ = std::min(burst_, tokens_ + passed.count() * per_second_);
    filled_ = std::max(now, filled_);
  }

  double per_second_;
  double burst_;
  double tokens_;
  Time filled_{};
};

}  // namespace fairlead

#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace fairlead {

struct BackOffLimits {
  std::chrono::milliseconds first{200};
  std::chrono::milliseconds most{30'000};
};

// How long to wait before the next try: doubles with each failure, between half of that and the whole, so that many who
// failed at the same moment do not come back at the same moment.
class BackOff {
 public:
  BackOff(BackOffLimits limits, std::uint32_t seed) : limits_(limits), random_(seed) {}

  std::chrono::milliseconds next();
  void reset() { failures_ = 0; }

  // A number of [low, high], from the same source of chance.
  std::int64_t pick(std::int64_t low, std::int64_t high);

 private:
  BackOffLimits limits_;
  std::minstd_rand random_;
  unsigned failures_ = 0;  // since the last reset
};

}  // namespace fairlead

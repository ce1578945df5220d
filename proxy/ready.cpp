#include "proxy/ready.hpp"

#include <algorithm>

namespace fairlead {

std::vector<std::string> Ready::reasons() const {
  std::vector<std::string> reasons;
  if (draining_.load(std::memory_order_acquire)) reasons.emplace_back("stopping");
  if (published_generation() == 0) {
    reasons.emplace_back("no snapshot yet");
    return reasons;
  }
  for (std::size_t i = 0; i < live_.size(); ++i) {
    if (live_[i].load(std::memory_order_acquire) != 0) continue;
    reasons.push_back("worker " + std::to_string(i + 1) + " of " + std::to_string(live_.size()) +
                      " serves no snapshot yet");
  }
  return reasons;
}

std::uint64_t Ready::live_generation() const {
  std::uint64_t least = published_generation();
  for (const auto& live : live_) least = std::min(least, live.load(std::memory_order_acquire));
  return least;
}

std::size_t Ready::workers_on(std::uint64_t generation) const {
  return static_cast<std::size_t>(std::count_if(live_.begin(), live_.end(), [&](const auto& live) {
    return live.load(std::memory_order_acquire) >= generation;
  }));
}

}  // namespace fairlead

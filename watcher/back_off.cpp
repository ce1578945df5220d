#include "watcher/back_off.hpp"

#include <algorithm>

namespace fairlead {

std::chrono::milliseconds BackOff::next() {
  constexpr unsigned most_doublings = 30;
  const std::int64_t most = limits_.most.count();
  std::int64_t whole = std::min<std::int64_t>(limits_.first.count(), most);
  for (unsigned i = 0; i < failures_ && whole < most; ++i) whole = std::min(whole * 2, most);
  failures_ = std::min(failures_ + 1, most_doublings);
  return std::chrono::milliseconds(pick(whole - whole / 2, whole));
}

std::int64_t BackOff::pick(std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, std::max(low, high))(random_);
}

}  // namespace fairlead

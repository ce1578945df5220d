#include "proxy/timer_wheel.hpp"

#include <algorithm>

namespace fairlead {

void TimerWheel::set(Deadline& deadline, LoopTime at) {
  deadline.at_ = at;
  deadline.armed_ = true;
  deadline.expired_ = false;
  if (deadline.is_linked() && deadline.slot_time_ <= at + tick) return;
  deadline.unlink();
  link(deadline);
}

void TimerWheel::link(Deadline& deadline) {
  const std::int64_t due = deadline.at_ / tick + 1;  // the first tick at which it has passed
  const std::int64_t look = std::clamp<std::int64_t>(due, position_ + 1, position_ + slot_count - 1);
  deadline.slot_time_ = look * tick;
  slots_[static_cast<std::size_t>(look) % slot_count].push_back(deadline);
}

void TimerWheel::expire(Deadline& deadline, RunQueue& queue) {
  deadline.armed_ = false;
  deadline.expired_ = true;
  if (!deadline.target_.is_linked()) queue.push_back(deadline.target_);
}

void TimerWheel::advance(LoopTime now, RunQueue& queue) {
  now_ = now;
  const std::int64_t until = now / tick;
  const std::int64_t from = std::max(position_ + 1, until - static_cast<std::int64_t>(slot_count) + 1);
  position_ = until;
  for (std::int64_t look = from; look <= until; ++look) {
    Slot due;
    due.swap(slots_[static_cast<std::size_t>(look) % slot_count]);
    while (!due.empty()) {
      Deadline& deadline = due.front();
      due.pop_front();
      if (!deadline.armed_) continue;
      if (deadline.at_ < now) {
        expire(deadline, queue);
      } else {
        link(deadline);
      }
    }
  }
}

}  // namespace fairlead

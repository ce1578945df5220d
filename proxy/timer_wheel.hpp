#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstdint>

#include "proxy/event_target.hpp"

namespace fairlead {

// Milliseconds of the Worker's clock, which is read once a loop turn.
using LoopTime = std::chrono::milliseconds;

// A deadline that belongs to an EventTarget. When it passes, expired() is set and the target is queued to run.
class Deadline : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  explicit Deadline(EventTarget& target) : target_(target) {}

  bool expired() const { return expired_; }
  bool armed() const { return armed_; }

 private:
  friend class TimerWheel;
  EventTarget& target_;
  LoopTime at_{0};
  LoopTime slot_time_{0};  // when the wheel looks at it next; never after at_ rounded up
  bool armed_ = false;
  bool expired_ = false;
};

// Coarse deadlines, O(1) to set and clear: fires up to one tick late, never early. Moving a deadline later costs a
// store: the wheel finds out when it gets there.
class TimerWheel {
 public:
  static constexpr LoopTime tick{100};
  static constexpr std::size_t slot_count = 1024;  // a longer wait goes round again

  explicit TimerWheel(LoopTime now) : now_(now), position_(now / tick) {}

  void set(Deadline& deadline, LoopTime at);
  static void clear(Deadline& deadline) {
    deadline.armed_ = false;
    deadline.expired_ = false;
  }

  // Queues the targets of all deadlines that have passed.
  void advance(LoopTime now, RunQueue& queue);

 private:
  using Slot = boost::intrusive::list<Deadline, boost::intrusive::constant_time_size<false>>;
  void link(Deadline& deadline);
  void expire(Deadline& deadline, RunQueue& queue);

  LoopTime now_;
  std::int64_t position_;  // the last tick looked at
  std::array<Slot, slot_count> slots_;
};

}  // namespace fairlead

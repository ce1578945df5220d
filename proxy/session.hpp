#pragma once

#include <coroutine>

#include "proxy/readiness_set.hpp"
#include "proxy/task.hpp"

namespace fairlead {

// A chain of coroutines that waits in one place at a time. Whatever sockets it uses point at it as their target, so one
// wait covers them all: it ends when any of them has news or the deadline passes, and the coroutine then tries again
// what it could not do. News that does not concern it costs one such try.
class Session : public EventTarget {
 public:
  explicit Session(ReadinessSet& readiness) : readiness_(readiness), deadline_(*this) {}

  struct Wait {
    Session& session;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const noexcept { session.suspended_ = handle; }
    // False when the deadline has passed.
    bool await_resume() const noexcept { return !session.deadline_.expired(); }
  };

  // Until news, or the moment given. Deadlines are coarse (TimerWheel::tick).
  Wait wait_until(LoopTime at) {
    readiness_.timers().set(deadline_, at);
    return Wait{*this};
  }
  Wait wait_for(LoopTime duration) { return wait_until(now() + duration); }
  Wait wait() {
    TimerWheel::clear(deadline_);
    return Wait{*this};
  }
  // Lets others run; comes back in the next turn.
  Wait yield() {
    readiness_.queue(*this);
    return wait();
  }

  LoopTime now() const { return readiness_.now(); }
  ReadinessSet& readiness() { return readiness_; }

  void run() override { resume(); }

 protected:
  // No deadline and no news until it is used again. Its coroutines are gone.
  void rest() {
    suspended_ = {};
    TimerWheel::clear(deadline_);
    unlink();
  }
  void resume() {
    if (suspended_) std::exchange(suspended_, {}).resume();
  }

 private:
  ReadinessSet& readiness_;
  Deadline deadline_;
  std::coroutine_handle<> suspended_;
};

}  // namespace fairlead

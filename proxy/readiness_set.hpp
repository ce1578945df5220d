#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>

#include "proxy/event_target.hpp"
#include "proxy/timer_wheel.hpp"

namespace fairlead {

// One non-blocking descriptor and what is known of its readiness. Owned by whoever moves its bytes; the target that
// runs on its events may change hands (a pooled connection belongs to the pool, then to an Exchange).
struct Socket {
  int fd = -1;
  bool readable = false;     // a read may give something: cleared by whoever sees a short read
  bool writable = false;     // a write may be taken: cleared by whoever sees a short write
  bool peer_closed = false;  // a FIN (or an error) has been announced: read until end of stream is seen
  bool broken = false;       // reset, or ended both ways: nothing will move any more
  EventTarget* target = nullptr;

  Socket() = default;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { close(); }
  void close();
  // Closing will be a reset: for a message whose end would be taken for its completion.
  void reset_on_close();
};

// The edge-triggered epoll set of a Worker, nested in its io_context, together with the Worker's clock, timer wheel and
// run queue. The only place that knows epoll. It waits in the set itself and goes back to the io_context once a tick:
// by way of Asio each wake-up would be two epoll_waits and an epoll_ctl, a tenth of a request that comes alone.
//
// Contract: after add(), each change of readiness since the last one sets the Socket's flags and queues its target. A
// flag stays set until its owner clears it, so nothing is ever lost by not looking at once. All calls on the Worker's
// thread.
class ReadinessSet {
 public:
  explicit ReadinessSet(boost::asio::io_context& context);
  ~ReadinessSet();
  ReadinessSet(const ReadinessSet&) = delete;
  ReadinessSet& operator=(const ReadinessSet&) = delete;

  // False when the system had no descriptors left for it: nothing may be asked of it then.
  bool usable() const { return tick_.socket.fd >= 0; }

  // Registers for the life of the descriptor (closing it ends that). False when the kernel has no memory for it.
  bool add(Socket& socket);
  void queue(EventTarget& target) {
    if (!target.is_linked()) run_queue_.push_back(target);
  }

  // Run in this turn, behind those that are queued already: what one target has for another. Not for itself.
  void wake(EventTarget& target) {
    if (!target.is_linked()) woken_.push_back(target);
  }

  // Run in this turn, once all others have: to send in one go what they left.
  void queue_last(EventTarget& target) {
    if (!target.is_linked()) last_queue_.push_back(target);
  }

  LoopTime now() const { return now_; }
  std::chrono::microseconds now_precise() const { return now_precise_; }  // the same moment
  std::chrono::system_clock::time_point wall_now() const {
    return std::chrono::system_clock::time_point(now_precise_ + wall_offset_);
  }
  TimerWheel& timers() { return timers_; }

  // Called once a tick. At most one.
  void on_tick(std::function<void()> call) { on_tick_ = std::move(call); }

  // From here on whoever runs the io_context turns the set, until stop() is called from within.
  void start();
  void stop() { stopped_ = true; }
  // Waits for events, this long at the most (or not at all when something is queued), and runs what they are for.
  void turn(std::chrono::milliseconds patience);

 private:
  static constexpr int batch = 256;  // events taken in one look

  // A timer of the kernel in the set itself, so that waiting needs no time-out.
  struct Tick final : EventTarget {
    explicit Tick(ReadinessSet& of) : set(of) {}
    void run() override;

    ReadinessSet& set;
    Socket socket;
    bool passed = false;
  };

  void turns();
  void look(int patience_ms);
  void run_queued();
  void read_clock();
  void read_wall_clock();

  boost::asio::posix::stream_descriptor set_;
  RunQueue run_queue_, woken_, last_queue_;
  LoopTime now_{0};
  std::chrono::microseconds now_precise_{0};
  std::chrono::microseconds wall_offset_{0};  // looked at once a tick
  TimerWheel timers_;
  std::function<void()> on_tick_;
  Tick tick_;
  bool stopped_ = false;
};

}  // namespace fairlead

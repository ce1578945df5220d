#include "proxy/readiness_set.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <utility>

namespace fairlead {
namespace {

std::chrono::microseconds monotonic_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::chrono::microseconds(now.tv_sec * 1'000'000LL + now.tv_nsec / 1'000);
}

LoopTime to_loop_time(std::chrono::microseconds precise) {
  return std::chrono::duration_cast<LoopTime>(precise);
}

}  // namespace

void Socket::close() {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

void Socket::reset_on_close() {
  const linger hard{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

ReadinessSet::ReadinessSet(boost::asio::io_context& context)
    : set_(context, ::epoll_create1(EPOLL_CLOEXEC)),
      timer_(context),
      now_(to_loop_time(monotonic_now())),
      now_precise_(monotonic_now()),
      timers_(now_) {
  read_wall_clock();
}

ReadinessSet::~ReadinessSet() = default;

bool ReadinessSet::add(Socket& socket) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &socket;
  return ::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, socket.fd, &event) == 0;
}

void ReadinessSet::start() {
  wait();
  tick();
}

void ReadinessSet::stop() {
  stopped_ = true;
  boost::system::error_code ignored;
  set_.cancel(ignored);
  timer_.cancel();
}

void ReadinessSet::wait() {
  set_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (error || stopped_) return;
    turn();
    if (!stopped_) wait();
  });
}

void ReadinessSet::tick() {
  timer_.expires_after(TimerWheel::tick);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || stopped_) return;
    read_clock();
    read_wall_clock();
    timers_.advance(now_, run_queue_);
    if (on_tick_) on_tick_();
    run_queued();
    if (!stopped_) tick();
  });
}

void ReadinessSet::read_clock() {
  now_precise_ = monotonic_now();
  now_ = to_loop_time(now_precise_);
}

void ReadinessSet::read_wall_clock() {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  wall_offset_ = std::chrono::duration_cast<std::chrono::microseconds>(wall) - now_precise_;
}

void ReadinessSet::turn() {
  for (int looks = 0; looks < looks_a_turn && !stopped_; ++looks) {
    const int taken = look();
    read_clock();
    run_queued();
    if (taken < busy_batch) return;
  }
}

// Flags first, then runs: no target can vanish while events that name its sockets are still to be read.
int ReadinessSet::look() {
  std::array<epoll_event, batch> events;
  const int count = ::epoll_wait(set_.native_handle(), events.data(), batch, 0);
  for (int i = 0; i < count; ++i) {
    Socket& socket = *static_cast<Socket*>(events[static_cast<std::size_t>(i)].data.ptr);
    const std::uint32_t what = events[static_cast<std::size_t>(i)].events;
    if (what & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) socket.readable = true;
    if (what & (EPOLLOUT | EPOLLHUP | EPOLLERR)) socket.writable = true;
    if (what & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) socket.peer_closed = true;
    if (what & (EPOLLHUP | EPOLLERR)) socket.broken = true;
    if (socket.target) queue(*socket.target);
  }
  return count;
}

// A target queued while others run is run in the same go, unless it queued itself (to yield): then in the next turn's.
void ReadinessSet::run_queued() {
  RunQueue current;
  current.swap(run_queue_);
  while (!current.empty()) {
    EventTarget& target = current.front();
    current.pop_front();
    target.run();
  }
  while (!woken_.empty() || !last_queue_.empty()) {
    RunQueue& next = woken_.empty() ? last_queue_ : woken_;
    EventTarget& target = next.front();
    next.pop_front();
    target.run();
  }
  // Somebody yielded: the rest is run in a turn of its own, one at a time, so that the set is looked at between any
  // two.
  if (run_queue_.empty() || std::exchange(posted_, true)) return;
  boost::asio::post(set_.get_executor(), [this] {
    posted_ = false;
    if (!stopped_) turn();
  });
}

}  // namespace fairlead

#include "proxy/readiness_set.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <boost/asio/post.hpp>
#include <cstdint>

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
    : set_(context), now_(to_loop_time(monotonic_now())), now_precise_(monotonic_now()), timers_(now_), tick_(*this) {
  read_wall_clock();
  boost::system::error_code failed;
  set_.assign(::epoll_create1(EPOLL_CLOEXEC), failed);
  itimerspec every{};
  every.it_interval.tv_nsec = every.it_value.tv_nsec = std::chrono::nanoseconds(TimerWheel::tick).count();
  tick_.socket.fd = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  tick_.socket.target = &tick_;
  if (::timerfd_settime(tick_.socket.fd, 0, &every, nullptr) != 0 || !add(tick_.socket)) tick_.socket.close();
}

ReadinessSet::~ReadinessSet() = default;

bool ReadinessSet::add(Socket& socket) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &socket;
  return ::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, socket.fd, &event) == 0;
}

void ReadinessSet::start() {
  if (!run_queue_.empty()) {
    boost::asio::post(set_.get_executor(), [this] { turns(); });
    return;
  }
  set_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (!error) turns();
  });
}

void ReadinessSet::turns() {
  constexpr std::chrono::milliseconds until_news{-1};
  for (tick_.passed = false; !tick_.passed && !stopped_;) turn(until_news);
  if (!stopped_) start();
}

void ReadinessSet::turn(std::chrono::milliseconds patience) {
  look(run_queue_.empty() ? static_cast<int>(patience.count()) : 0);
  read_clock();
  run_queued();
}

// How many have passed, the wheel finds out by itself.
void ReadinessSet::Tick::run() {
  std::uint64_t times = 0;
  (void)!::read(socket.fd, &times, sizeof times);
  passed = true;
  set.read_wall_clock();
  set.timers_.advance(set.now_, set.run_queue_);
  if (set.on_tick_) set.on_tick_();
}

void ReadinessSet::read_clock() {
  now_precise_ = monotonic_now();
  now_ = to_loop_time(now_precise_);
}

void ReadinessSet::read_wall_clock() {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  wall_offset_ = std::chrono::duration_cast<std::chrono::microseconds>(wall) - now_precise_;
}

// Flags first, then runs: no target can vanish while events that name its sockets are still to be read.
void ReadinessSet::look(int patience_ms) {
  std::array<epoll_event, batch> events;
  const int count = ::epoll_wait(set_.native_handle(), events.data(), batch, patience_ms);
  for (int i = 0; i < count; ++i) {
    Socket& socket = *static_cast<Socket*>(events[static_cast<std::size_t>(i)].data.ptr);
    const std::uint32_t what = events[static_cast<std::size_t>(i)].events;
    if (what & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) socket.readable = true;
    if (what & (EPOLLOUT | EPOLLHUP | EPOLLERR)) socket.writable = true;
    if (what & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) socket.peer_closed = true;
    if (what & (EPOLLHUP | EPOLLERR)) socket.broken = true;
    if (socket.target) queue(*socket.target);
  }
}

// What is queued meanwhile (somebody yielded) is for the next turn, so that the set is looked at between any two.
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
}

}  // namespace fairlead

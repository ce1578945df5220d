#include "tests/support/origin.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace fairlead::test {
namespace {

int bind_loopback(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&at), size) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
    throw std::runtime_error("a loopback port could not be had");
  }
  port = ntohs(at.sin_port);
  return fd;
}

}  // namespace

Origin::Origin(Handler handler) : handler_(std::move(handler)) {
  listener_ = bind_loopback(port_);
  ::listen(listener_, 1024);
  thread_ = std::thread([this] { accept_all(); });
}

Origin::~Origin() {
  stop();
}

void Origin::accept_all() {
  for (;;) {
    // While accept4 itself waits, it holds a descriptor: one that a test may count on.
    pollfd waiting{.fd = listener_, .events = POLLIN, .revents = 0};
    ::poll(&waiting, 1, -1);
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0 && errno == EMFILE && !stopping_.load()) {  // a test may take the descriptors away for a while
      std::this_thread::yield();
      continue;
    }
    if (stopping_.load() || fd < 0) {
      if (fd >= 0) ::close(fd);
      return;
    }
    ++connections_;
    const std::lock_guard lock(mutex_);
    Served& served = served_.emplace_back();
    served.fd = fd;
    served.thread = std::thread([this, fd, &served] {
      RawSocket connection(fd);
      handler_(connection);
      served.fd = -1;
    });
  }
}

void Origin::stop() {
  if (stopping_.exchange(true)) return;
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
  const std::lock_guard lock(mutex_);
  for (Served& served : served_) {
    if (const int fd = served.fd.load(); fd >= 0) ::shutdown(fd, SHUT_RDWR);
  }
  for (Served& served : served_) served.thread.join();
}

Origin::Handler Origin::answering(std::function<std::string(const RawRequest&)> answer) {
  return [answer = std::move(answer)](RawSocket& connection) {
    for (;;) {
      const RawRequest request = read_request(connection);
      if (!request.complete || !connection.send(answer(request))) return;
    }
  };
}

Origin::Handler Origin::saying(std::string body) {
  return answering([body = std::move(body)](const RawRequest&) { return ok(body); });
}

Origin::Handler Origin::keeping(Asked& asked) {
  return answering([&asked](const RawRequest& request) {
    asked.add(request);
    return ok("kept");
  });
}

void Asked::add(RawRequest request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(std::move(request));
  came_.notify_all();
}

std::size_t Asked::count() const {
  const std::lock_guard lock(mutex_);
  return requests_.size();
}

RawRequest Asked::at(std::size_t index) const {
  std::unique_lock lock(mutex_);
  came_.wait_for(lock, RawSocket::patience, [&] { return requests_.size() > index; });
  return requests_.size() > index ? requests_[index] : RawRequest{};
}

RawRequest Asked::last() const {
  const std::lock_guard lock(mutex_);
  return requests_.empty() ? RawRequest{} : requests_.back();
}

std::string ok(std::string_view body, std::string_view fields) {
  return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

std::uint16_t closed_port() {
  std::uint16_t port = 0;
  ::close(bind_loopback(port));
  return port;
}

}  // namespace fairlead::test

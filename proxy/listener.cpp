#include "proxy/listener.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "proxy/socket_address.hpp"

namespace fairlead {
namespace {

constexpr int backlog = 4096;  // the kernel cuts it to net.core.somaxconn

int open_spare() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE;
}

std::string where(const IpAddress& address, std::uint16_t port) {
  return address.is_v4() ? fmt::format("{}:{}", address.to_string(), port)
                         : fmt::format("[{}]:{}", address.to_string(), port);
}

bool has_ipv6() {
  const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const SocketAddress any(Endpoint{IpAddress(), 0});
  const bool usable = ::bind(fd, any.get(), any.size()) == 0;
  ::close(fd);
  return usable;
}

}  // namespace

ListenSocket::~ListenSocket() {
  if (fd_ >= 0) ::close(fd_);
}

Result<ListenSocket> ListenSocket::bind(const IpAddress& address, std::uint16_t port, bool tls, bool shared) {
  const SocketAddress wanted(Endpoint{address, port});
  ListenSocket socket(::socket(wanted.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), port, tls);
  const auto failure = [&](std::string_view what) {
    return Failure{fmt::format("cannot {} {}: {}", what, where(address, port), std::strerror(errno))};
  };
  if (socket.fd_ < 0) return failure("open a socket for");
  const int on = 1, off = 0;
  ::setsockopt(socket.fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (shared) ::setsockopt(socket.fd_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  ::setsockopt(socket.fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted sockets inherit it
  if (wanted.family() == AF_INET6) {
    ::setsockopt(socket.fd_, IPPROTO_IPV6, IPV6_V6ONLY, address.is_unspecified() ? &off : &on, sizeof on);
  }
  if (::bind(socket.fd_, wanted.get(), wanted.size()) != 0) return failure("listen on");
  if (::listen(socket.fd_, backlog) != 0) return failure("listen on");
  SocketAddress bound;
  if (::getsockname(socket.fd_, bound.get(), bound.size_for_filling()) != 0) return failure("listen on");
  socket.port_ = bound.endpoint().port;
  return socket;
}

Result<std::vector<std::vector<ListenSocket>>> ListenSocket::open(const std::vector<IpAddress>& addresses,
                                                                  std::uint16_t port, bool tls, std::size_t count) {
  std::vector<IpAddress> wanted = addresses;
  if (wanted.empty()) wanted.push_back(has_ipv6() ? IpAddress() : IpAddress::v4(0));
  std::vector<std::vector<ListenSocket>> all(count);
  for (const IpAddress& address : wanted) {
    // SO_REUSEPORT would share the port with another such program without a word: first ask for it alone.
    if (port != 0) {
      const Result<ListenSocket> alone = bind(address, port, tls, false);
      if (!alone) return alone.error();
    }
    std::uint16_t shared_port = port;
    for (std::vector<ListenSocket>& sockets : all) {
      Result<ListenSocket> socket = bind(address, shared_port, tls, true);
      if (!socket) return socket.error();
      shared_port = socket->port();
      sockets.push_back(std::move(*socket));
    }
  }
  return all;
}

Listener::Listener(WorkerContext& worker, Connections& connections, ListenSocket socket)
    : worker_(worker),
      connections_(connections),
      port_(socket.port()),
      tls_(socket.tls()),
      retry_(*this),
      spare_(open_spare()) {
  socket_.fd = socket.release();
  socket_.target = this;
}

Listener::~Listener() {
  if (spare_ >= 0) ::close(spare_);
}

bool Listener::start() {
  return worker_.readiness.add(socket_);
}

void Listener::run() {
  if (spare_ < 0) spare_ = open_spare();
  if (retry_.expired()) {
    TimerWheel::clear(retry_);
    socket_.readable = true;
  }
  for (int i = 0; i < accepts_a_turn && socket_.readable; ++i) {
    if (!accept_one()) return;
  }
  if (socket_.readable) worker_.readiness.queue(*this);
}

void Listener::accept_rest() {
  socket_.readable = true;
  while (socket_.readable && accept_one()) {
  }
}

bool Listener::accept_one() {
  SocketAddress peer;
  const int fd = ::accept4(socket_.fd, peer.get(), peer.size_for_filling(), SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return survive(errno);
  take(fd, peer.endpoint());
  return true;
}

void Listener::take(int fd, const Endpoint& from) {
  ClientAddress address;
  address.address = from.address;
  address.port = from.port;
  address.local_port = port_;
  address.tls = tls_;
  connections_.add(fd, address);
}

// True when accepting may go on at once.
bool Listener::survive(int error) {
  switch (error) {
    case EAGAIN:
      socket_.readable = false;
      return false;
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return true;
    default:
      break;
  }
  if (is_shortage(error) && spare_ >= 0) return shed_one();
  worker_.metrics.counters.accept_errors.add();
  warn(error);
  try_later();
  return false;
}

void Listener::try_later() {
  socket_.readable = false;
  worker_.readiness.timers().set(retry_, worker_.readiness.now() + TimerWheel::tick);
}

void Listener::warn(int error) {
  if (!pace_.due(worker_.readiness.now())) return;
  worker_.shared.log.warning(
      fmt::format("port {}: a connection cannot be accepted: {}{}", port_, std::strerror(error),
                  is_shortage(error) ? "; as long as that lasts, new ones are closed at once" : ""));
}

// True when one was accepted. The kernel looks for a descriptor before it looks for a connection: there may be none.
bool Listener::shed_one() {
  ::close(spare_);
  SocketAddress peer;
  const int fd = ::accept4(socket_.fd, peer.get(), peer.size_for_filling(), SOCK_NONBLOCK | SOCK_CLOEXEC);
  const int error = errno;
  spare_ = open_spare();
  if (fd >= 0 && spare_ >= 0) {  // the shortage has ended in between
    take(fd, peer.endpoint());
    return true;
  }
  if (fd >= 0) {
    ::close(fd);
    spare_ = open_spare();
    worker_.metrics.counters.accept_errors.add();
    worker_.metrics.counters.shed.add();
    warn(EMFILE);
    return true;
  }
  if (error == EAGAIN) {
    socket_.readable = false;
  } else {
    try_later();
  }
  return false;
}

}  // namespace fairlead

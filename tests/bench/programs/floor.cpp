// The least that any proxy in user space does: each client connection has an upstream connection of its own, and
// whatever arrives on one is sent on the other, unread. Four system calls a request and nothing else. What it costs is
// the kernel's share on this machine; no HTTP proxy over sockets can go below it.
//
//   floor LISTEN_PORT UPSTREAM_PORT      (127.0.0.1, one thread, until it is ended)
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

struct Side {
  int fd = -1;
  Side* other = nullptr;
};

sockaddr_in loopback(const char* port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void quick(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void join(int set, int client, const sockaddr_in& upstream) {
  auto* const sides = new Side[2];
  sides[0] = {client, &sides[1]};
  sides[1] = {::socket(AF_INET, SOCK_STREAM, 0), &sides[0]};
  if (::connect(sides[1].fd, reinterpret_cast<const sockaddr*>(&upstream), sizeof upstream) != 0) std::abort();
  for (int i = 0; i < 2; ++i) {
    quick(sides[i].fd);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = &sides[i];
    ::epoll_ctl(set, EPOLL_CTL_ADD, sides[i].fd, &event);
  }
}

void pass_on(Side& side) {
  static char bytes[128 * 1024];
  ssize_t count = 0;
  do {  // a read that fills all may have left something, and the edge is reported once
    count = ::recv(side.fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (count > 0 && ::send(side.other->fd, bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL) != count)
      std::abort();
  } while (count == static_cast<ssize_t>(sizeof bytes));
  if (count == 0 && side.fd >= 0) {  // the pair itself is forgotten: this program is short-lived
    ::close(side.other->fd);
    ::close(side.fd);
    side.fd = side.other->fd = -1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("usage: floor LISTEN_PORT UPSTREAM_PORT\n", stderr), 2;
  const sockaddr_in here = loopback(argv[1]);
  const sockaddr_in upstream = loopback(argv[2]);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0 || ::listen(listener, 4096) != 0) {
    return std::perror("floor"), 1;
  }
  const int set = ::epoll_create1(0);
  epoll_event event{};
  event.events = EPOLLIN;
  ::epoll_ctl(set, EPOLL_CTL_ADD, listener, &event);
  for (epoll_event events[256];;) {
    const int count = ::epoll_wait(set, events, 256, -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.ptr) {
        pass_on(*static_cast<Side*>(events[i].data.ptr));
      } else if (const int client = ::accept(listener, nullptr, nullptr); client >= 0) {
        join(set, client, upstream);
      }
    }
  }
}

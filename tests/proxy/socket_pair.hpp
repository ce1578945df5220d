#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "proxy/stream.hpp"

namespace fairlead {

// A stream's socket and the peer's end of it, which the test works by hand. Non-blocking both.
class SocketPair {
 public:
  explicit SocketPair(Socket& socket) : socket_(socket) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    socket.fd = ends[0];
    peer_ = ends[1];
    ready();
  }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;
  ~SocketPair() { close(); }

  // As a readiness event would.
  void ready() { socket_.readable = socket_.writable = true; }

  void send(std::string_view bytes) {
    ASSERT_EQ(::send(peer_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    ready();
  }
  // All that has arrived, up to most bytes.
  std::string receive(std::size_t most = SIZE_MAX) {
    std::string received;
    char piece[16 * 1024];
    while (received.size() < most) {
      const ssize_t count = ::recv(peer_, piece, std::min(sizeof piece, most - received.size()), 0);
      if (count <= 0) {
        ended_ = count == 0;
        break;
      }
      received.append(piece, static_cast<std::size_t>(count));
    }
    ready();
    return received;
  }
  // Whether the last receive() came to the end of what the stream sends.
  bool ended() const { return ended_; }
  void finish() {
    ::shutdown(peer_, SHUT_WR);
    socket_.peer_closed = true;
    ready();
  }
  void close() {
    if (peer_ >= 0) ::close(peer_);
    peer_ = -1;
    socket_.peer_closed = true;
    ready();
  }
  int peer() const { return peer_; }

  // Makes the kernel take little, so that short writes come soon.
  void shrink() {
    const int size = 4096;
    ::setsockopt(socket_.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  }

 private:
  Socket& socket_;
  int peer_ = -1;
  bool ended_ = false;
};

}  // namespace fairlead

#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "proxy/readiness_set.hpp"

namespace fairlead {

// Makes these the two ends of a TCP connection, non-blocking, for what sockets of the local family do not do.
inline void connect_by_tcp(Socket& client, Socket& server) {
  Socket listener;
  listener.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  sockaddr* const at = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(listener.fd, at, size), 0);
  ASSERT_EQ(::listen(listener.fd, 1), 0);
  ASSERT_EQ(::getsockname(listener.fd, at, &size), 0);
  client.close();
  server.close();
  client.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::connect(client.fd, at, size), 0);
  server.fd = ::accept4(listener.fd, nullptr, nullptr, SOCK_CLOEXEC);
  for (Socket* const socket : {&client, &server}) {
    ASSERT_EQ(::fcntl(socket->fd, F_SETFL, O_NONBLOCK), 0);
    socket->readable = socket->writable = true;
  }
}

}  // namespace fairlead

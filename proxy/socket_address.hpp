#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "router/config.hpp"

namespace fairlead {

// An address and port as the kernel takes them.
class SocketAddress {
 public:
  explicit SocketAddress(const Endpoint& endpoint);  // IPv4 or IPv6, as the address is
  // As accept() or getsockname() fill it.
  SocketAddress() = default;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage_); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t* size_for_filling() {
    size_ = sizeof storage_;
    return &size_;
  }
  socklen_t size() const { return size_; }
  int family() const { return storage_.ss_family; }
  Endpoint endpoint() const;

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = sizeof(sockaddr_storage);
};

}  // namespace fairlead

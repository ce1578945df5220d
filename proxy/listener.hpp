#pragma once

#include <cstdint>
#include <vector>

#include "proxy/connection.hpp"
#include "proxy/log_pace.hpp"
#include "router/base/result.hpp"

namespace fairlead {

// One bound and listening socket, not yet given to a Worker. Owns the descriptor.
class ListenSocket {
 public:
  // One socket for each of `count` Workers on the same address and port (SO_REUSEPORT); port 0: the system chooses one.
  // Nothing in addresses: every address, IPv4 and IPv6. Result: for each Worker, its sockets.
  static Result<std::vector<std::vector<ListenSocket>>> open(const std::vector<IpAddress>& addresses,
                                                             std::uint16_t port, bool tls, std::size_t count);

  ListenSocket(ListenSocket&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), port_(other.port_), tls_(other.tls_) {}
  ListenSocket& operator=(ListenSocket&&) = delete;
  ~ListenSocket();

  int release() { return std::exchange(fd_, -1); }
  std::uint16_t port() const { return port_; }
  bool tls() const { return tls_; }

 private:
  ListenSocket(int fd, std::uint16_t port, bool tls) : fd_(fd), port_(port), tls_(tls) {}
  static Result<ListenSocket> bind(const IpAddress& address, std::uint16_t port, bool tls, bool shared);

  int fd_;
  std::uint16_t port_;
  bool tls_;
};

// Accepts the connections of one ListenSocket on one Worker. Survives running out of descriptors: the connection is
// shed and counted, and accepting goes on.
class Listener final : public EventTarget {
 public:
  Listener(WorkerContext& worker, Connections& connections, ListenSocket socket);
  ~Listener() override;

  bool start();
  void run() override;
  void accept_rest();  // all that wait now, before closing

 private:
  static constexpr int accepts_a_turn = 64;

  bool accept_one();
  void take(int fd, const Endpoint& from);
  bool survive(int error);
  bool shed_one();
  void try_later();
  void warn(int error);

  WorkerContext& worker_;
  Connections& connections_;
  const std::uint16_t port_;
  const bool tls_;
  Socket socket_;
  Deadline retry_;
  LogPace pace_;
  int spare_;  // given up for a moment when no descriptor is left
};

}  // namespace fairlead

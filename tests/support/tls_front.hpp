#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "tests/support/test_certificates.hpp"

struct ssl_ctx_st;  // OpenSSL's
struct ssl_st;

namespace fairlead::test {

// Puts TLS before a server that speaks in clear text: whatever comes in here is passed on to it. A thread a connection.
class TlsFront {
 public:
  // client_authority: who must have signed the client's certificate; "" = none is asked for. port: 0 = any.
  TlsFront(std::uint16_t backend_port, const TestCertificate& certificate, const std::string& client_authority = "",
           std::uint16_t port = 0);
  ~TlsFront();
  TlsFront(const TlsFront&) = delete;
  TlsFront& operator=(const TlsFront&) = delete;

  std::uint16_t port() const { return port_; }

  // The common name of the last client that showed a certificate, and the SNI of the last client.
  std::string client_name() const;
  std::string server_name() const;

 private:
  struct Connection {
    int socket = -1;
    std::thread thread;
  };

  void accept_all();
  void serve(int socket);
  void relay(ssl_st* ssl, int client, int backend) const;

  const std::uint16_t backend_port_;
  ssl_ctx_st* context_ = nullptr;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> closing_{false};
  mutable std::mutex mutex_;
  std::list<Connection> connections_;
  std::string client_name_;
  std::string server_name_;
  std::thread acceptor_;
};

}  // namespace fairlead::test

#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "tls/openssl_ptr.hpp"

namespace fairlead {

struct TicketKey {
  std::array<unsigned char, 16> name;
  std::array<unsigned char, 32> aes_key;
  std::array<unsigned char, 32> hmac_key;
};

// Keys of stateless session tickets (RFC 5077), shared by all Workers. The newest encrypts; the older ones, kept_keys
// in all, still decrypt, and a ticket under one of them is renewed. rotate() is called by the owner, once every
// rotation_interval.
class SessionTickets {
 public:
  static constexpr std::size_t kept_keys = 3;
  static constexpr std::chrono::hours rotation_interval{8};

  SessionTickets();  // with one fresh random key
  ~SessionTickets();

  void rotate();  // any thread

  using Keys = std::vector<TicketKey>;       // newest first; wiped when let go of
  std::shared_ptr<const Keys> keys() const;  // any thread

  // Has the context's tickets (AES-256-CBC, HMAC-SHA-256) made and read with these keys. Must outlive its sessions.
  void serve(SSL_CTX* context);

 private:
  // One lock a handshake with a ticket: nothing beside the handshake. (gcc 12's std::atomic<shared_ptr> locks too.)
  mutable std::mutex mutex_;
  std::shared_ptr<const Keys> keys_;
};

}  // namespace fairlead

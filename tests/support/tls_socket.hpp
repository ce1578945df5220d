#pragma once

#include <string>

#include "tests/support/origin.hpp"
#include "tests/support/raw_socket.hpp"
#include "tests/support/test_certificates.hpp"
#include "tls/openssl_ptr.hpp"

namespace fairlead::test {

// The same over TLS, with OpenSSL's own socket BIO: a client or a server as any other program would be one.
class TlsSocket final : public RawSocket {
 public:
  enum class End { none, close_notify, cut };

  // session: in connect or accept state. The handshake is tried at once.
  TlsSocket(RawSocket socket, SslPtr session);

  bool up() const { return up_; }  // the handshake succeeded
  SSL* ssl() const { return ssl_.get(); }
  std::string certificate_name() const;  // the common name that the other side presented, or ""
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  End end() const { return end_; }  // how the other side ended, once reads said so

  void close_notify();  // says that no more will be sent; the socket stays open

 private:
  ssize_t receive(char* bytes, std::size_t count) override;
  ssize_t transmit(const char* bytes, std::size_t count) override;

  SslPtr ssl_;
  bool up_ = false;
  End end_ = End::none;
};

// What a TLS server of the tests accepts connections with.
SslCtxPtr tls_server_context(const TestCertificate& certificate);

// Has an Origin speak TLS; the handler is not called for connections whose handshake fails. context: outlives it.
Origin::Handler over_tls(SSL_CTX* context, Origin::Handler handler);

}  // namespace fairlead::test

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "router/base/result.hpp"
#include "tls/certificate_store.hpp"
#include "tls/openssl_ptr.hpp"
#include "tls/session_tickets.hpp"

namespace fairlead {

// Mozilla's "intermediate" recommendation by default.
struct ServerTlsSettings {
  bool tls12 = true;
  bool tls13 = true;
  std::string ciphers{};       // TLS 1.2, OpenSSL names; "" = the default list
  std::string ciphersuites{};  // TLS 1.3; "" = OpenSSL's
  std::string groups = "X25519:P-256:P-384";
  std::vector<std::string> alpn{"http/1.1"};  // in order of preference
};

// One SSL_CTX for all Workers. Hosts differ by the certificates that a callback picks from the CertificateStore given
// to each session. No server-side session cache; stateless tickets (one a handshake); SSL_MODE_RELEASE_BUFFERS; no
// renegotiation, no compression.
class ServerContext {
 public:
  static Result<std::unique_ptr<ServerContext>> create(const ServerTlsSettings& settings, SessionTickets& tickets);
  ~ServerContext();

  // A new session in accept state, without BIO. store must outlive the handshake: the Connection holds the Snapshot it
  // came from.
  SslPtr accept(const CertificateStore& store) const;

  // The SNI the Client sent, canonical, or "".
  static std::string_view server_name(const SSL* ssl);

 private:
  ServerContext() = default;
  SslCtxPtr context_;
  std::vector<unsigned char> alpn_wire_;
};

}  // namespace fairlead

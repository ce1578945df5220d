#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "router/base/result.hpp"
#include "tls/openssl_ptr.hpp"

namespace fairlead {

// How we speak TLS to upstreams (annotation backend-protocol: HTTPS). As ingress-nginx does it by default, the
// upstream's certificate is not verified and no SNI is sent; TLS 1.2 and 1.3.
struct ClientTlsSettings {
  bool verify = false;
  std::string server_name{};  // SNI and, with verify, the name that must be in the certificate; "" = none
  std::string ca_pem{};       // "" with verify: the system's
};

class ClientContext {
 public:
  static Result<std::unique_ptr<ClientContext>> create(const ClientTlsSettings& settings);
  ~ClientContext();

  // A new session in connect state, without BIO. protocol: the one to be agreed on by ALPN (RFC 7301), or "" for none.
  SslPtr connect(std::string_view protocol = {}) const;

 private:
  ClientContext() = default;
  SslCtxPtr context_;
  ClientTlsSettings settings_;
};

}  // namespace fairlead

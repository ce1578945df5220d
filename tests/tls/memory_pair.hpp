#pragma once

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <algorithm>
#include <climits>
#include <memory>
#include <string>

#include "tests/support/test_certificates.hpp"
#include "tls/certificate_store.hpp"
#include "tls/connection_bio.hpp"
#include "tls/server_context.hpp"

namespace fairlead {

// One end of a wire that is two strings.
class MemoryTransport final : public BioTransport {
 public:
  MemoryTransport(std::string& in, std::string& out) : in_(in), out_(out) {}

  int receive(char* data, int size) override {
    ++receives;
    if (broken) return failed;
    if (in_.empty()) return ended ? 0 : would_block;
    const auto count = std::min({in_.size(), static_cast<std::size_t>(size), most_at_once});
    in_.copy(data, count);
    in_.erase(0, count);
    return static_cast<int>(count);
  }

  int send(const char* data, int size) override {
    if (broken) return failed;
    if (full) return would_block;
    out_.append(data, static_cast<std::size_t>(size));
    return size;
  }

  std::size_t most_at_once = INT_MAX;
  bool ended = false;  // the other side will send no more
  bool full = false;
  bool broken = false;
  int receives = 0;

 private:
  std::string& in_;
  std::string& out_;
};

// A client and a server session over one wire in memory.
struct TlsPair {
  TlsPair(SslPtr client_session, SslPtr server_session)
      : client(std::move(client_session)), server(std::move(server_session)) {
    attach_transport(client.get(), client_side);
    attach_transport(server.get(), server_side);
  }

  // Takes turns until both are through or neither gets on.
  void handshake() {
    for (int turn = 0; turn < 20; ++turn) {
      client_result = step(client.get(), client_result, client_failure);
      server_result = step(server.get(), server_result, server_failure);
      if (client_result == TlsResult::done && server_result == TlsResult::done) break;
    }
    // The ticket of TLS 1.3 comes after the handshake.
    char byte;
    if (client_result == TlsResult::done) tls_result(client.get(), SSL_read(client.get(), &byte, 1));
  }

  bool up() const { return client_result == TlsResult::done && server_result == TlsResult::done; }

  std::string to_server;
  std::string to_client;
  MemoryTransport client_side{to_client, to_server};
  MemoryTransport server_side{to_server, to_client};
  SslPtr client;
  SslPtr server;
  TlsResult client_result = TlsResult::want_read;
  TlsResult server_result = TlsResult::want_read;
  std::string client_failure;
  std::string server_failure;

 private:
  static TlsResult step(SSL* ssl, TlsResult last, std::string& failure) {
    if (last == TlsResult::done || last == TlsResult::failed || last == TlsResult::closed) return last;
    const TlsResult result = tls_result(ssl, SSL_do_handshake(ssl));
    if (result == TlsResult::failed) failure = tls_failure_reason();
    return result;
  }
};

// A client made with OpenSSL alone, as any other program's would be.
class TestClient {
 public:
  TestClient() : context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(context_.get(), this);
    SSL_CTX_sess_set_new_cb(context_.get(), [](SSL* ssl, SSL_SESSION* fresh) {
      // The original is spoilt when its connection ends without close_notify.
      auto& client = *static_cast<TestClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
      client.session.reset(SSL_SESSION_dup(fresh));
      return 0;
    });
  }

  SSL_CTX* context() const { return context_.get(); }
  void only(int version) const {
    SSL_CTX_set_min_proto_version(context_.get(), version);
    SSL_CTX_set_max_proto_version(context_.get(), version);
  }

  SslPtr connect(const char* server_name) const {
    SslPtr ssl(SSL_new(context_.get()));
    if (server_name) SSL_set_tlsext_host_name(ssl.get(), server_name);
    const SslSessionPtr copy(session ? SSL_SESSION_dup(session.get()) : nullptr);
    if (copy) SSL_set_session(ssl.get(), copy.get());
    SSL_set_connect_state(ssl.get());
    return ssl;
  }

  SslSessionPtr session;  // the newest one that the server gave

 private:
  SslCtxPtr context_;
};

inline std::shared_ptr<const CertificateSource> source(const std::string& name, const TestCertificate& certificate) {
  return std::make_shared<CertificateSource>(
      CertificateSource{"default", name, certificate.certificate_pem, certificate.key_pem});
}

using TlsHosts = std::map<std::string, std::shared_ptr<const TlsHost>, std::less<>>;

inline void add_host(TlsHosts& hosts, const std::string& name,
                     std::vector<std::shared_ptr<const CertificateSource>> candidates) {
  hosts[name] = std::make_shared<TlsHost>(TlsHost{name, std::move(candidates)});
}

// The common name of the certificate that the other side presented, or "".
inline std::string peer_common_name(const SSL* ssl) {
  const X509* certificate = SSL_get0_peer_certificate(ssl);
  char name[256] = "";
  if (certificate) X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

inline constexpr const char* generated_name = "Kubernetes Ingress Controller Fake Certificate";

}  // namespace fairlead

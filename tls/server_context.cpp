#include "tls/server_context.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <span>
#include <utility>

#include "tls/certificate.hpp"

namespace fairlead {

namespace {

// Mozilla's intermediate list, without its DHE suites: nobody who speaks TLS 1.2 with AEAD needs them, and each
// handshake costs the server many times what it costs the client.
constexpr const char* default_ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

constexpr const char* signature_algorithms =
    "ecdsa_secp256r1_sha256:ed25519:rsa_pss_rsae_sha256:rsa_pkcs1_sha256:ecdsa_secp384r1_sha384:rsa_pss_rsae_sha384:"
    "rsa_pkcs1_sha384:ecdsa_secp521r1_sha512:rsa_pss_rsae_sha512:rsa_pkcs1_sha512";

constexpr long session_seconds = 2 * 3600;

// What the callbacks need to know of one session; owned by it.
struct Accepted {
  const CertificateStore* certificates;
  std::string server_name;
};

void free_accepted(void*, void* accepted, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Accepted*>(accepted);
}

int accepted_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_accepted);
  return index;
}

Accepted* accepted(const SSL* ssl) {
  return static_cast<Accepted*>(SSL_get_ex_data(ssl, accepted_index()));
}

std::string canonical(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string result(name);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

// The host_name in a server_name extension (RFC 6066 section 3), or "". OpenSSL itself refuses what is malformed.
std::string_view host_name_in(std::span<const unsigned char> extension) {
  constexpr std::size_t prefix = 5;  // list length (2), name type (1), name length (2)
  if (extension.size() < prefix || extension[2] != TLSEXT_NAMETYPE_host_name) return {};
  const std::size_t length = static_cast<std::size_t>(extension[3]) << 8 | extension[4];
  if (length != extension.size() - prefix) return {};
  return {reinterpret_cast<const char*>(extension.data()) + prefix, length};
}

// Remembers the SNI of this ClientHello, before a ticket is looked at. (For a resumed TLS 1.2 session
// SSL_get_servername would give the name of the session's first handshake.)
int on_client_hello(SSL* ssl, int*, void*) {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  const bool sent = SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) == 1;
  accepted(ssl)->server_name = sent ? canonical(host_name_in({data, size})) : std::string();
  return SSL_CLIENT_HELLO_SUCCESS;
}

// Acknowledges the name, and so has OpenSSL keep it in the session.
int on_server_name(SSL* ssl, int*, void*) {
  return accepted(ssl)->server_name.empty() ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_OK;
}

// A ticket resumes only under the name it was issued for (RFC 6066 section 3 demands it of TLS 1.2): what one host
// demands of its clients can then not be passed by with a ticket of another.
SSL_TICKET_RETURN on_ticket(SSL* ssl, SSL_SESSION* session, const unsigned char*, size_t, SSL_TICKET_STATUS status,
                            void*) {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE_RENEW;
  const char* issued_for = SSL_SESSION_get0_hostname(session);
  if (canonical(issued_for ? issued_for : "") != accepted(ssl)->server_name) return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

int on_certificate(SSL* ssl, void*) {
  const Accepted& session = *accepted(ssl);
  bool any = false;
  for (const auto& certificate : session.certificates->find(session.server_name).by_type) {
    if (certificate && certificate->use_in(ssl)) any = true;
  }
  return any ? 1 : 0;
}

int on_alpn(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
            unsigned offered_size, void* wire) {
  const auto& ours = *static_cast<const std::vector<unsigned char>*>(wire);
  const int found = SSL_select_next_proto(const_cast<unsigned char**>(chosen), length, ours.data(),
                                          static_cast<unsigned>(ours.size()), offered, offered_size);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 3.2
}

Failure failure(const std::string& what) {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  std::string message = what + (reason ? std::string(": ") + reason : "");
  ERR_clear_error();
  return {std::move(message)};
}

Result<void> set_protocols(SSL_CTX* context, const ServerTlsSettings& settings) {
  if (!settings.tls12 && !settings.tls13) return Failure{"TLS settings: neither TLS 1.2 nor TLS 1.3 is allowed"};
  const int lowest = settings.tls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
  const int highest = settings.tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  const std::string ciphers = settings.ciphers.empty() ? default_ciphers : settings.ciphers;
  if (SSL_CTX_set_min_proto_version(context, lowest) != 1 || SSL_CTX_set_max_proto_version(context, highest) != 1) {
    return failure("TLS settings: protocol versions");
  }
  if (SSL_CTX_set_cipher_list(context, ciphers.c_str()) != 1)
    return failure("TLS settings: ciphers \"" + ciphers + '"');
  if (!settings.ciphersuites.empty() && SSL_CTX_set_ciphersuites(context, settings.ciphersuites.c_str()) != 1) {
    return failure("TLS settings: cipher suites \"" + settings.ciphersuites + '"');
  }
  if (SSL_CTX_set1_groups_list(context, settings.groups.c_str()) != 1) {
    return failure("TLS settings: groups \"" + settings.groups + '"');
  }
  if (SSL_CTX_set1_sigalgs_list(context, signature_algorithms) != 1)
    return failure("TLS settings: signature algorithms");
  return {};
}

void set_behaviour(SSL_CTX* context) {
  // A client may end its side without close_notify and still wait for the response.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_clear_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_read_ahead(context, 1);  // record header and body in one receive
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, session_seconds);
  SSL_CTX_set_num_tickets(context, 1);
  const unsigned char id[] = "fairlead";
  SSL_CTX_set_session_id_context(context, id, sizeof id - 1);
}

void set_callbacks(SSL_CTX* context) {
  SSL_CTX_set_client_hello_cb(context, on_client_hello, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
  SSL_CTX_set_session_ticket_cb(context, nullptr, on_ticket, nullptr);
  SSL_CTX_set_cert_cb(context, on_certificate, nullptr);
}

Result<std::vector<unsigned char>> alpn_list(const std::vector<std::string>& protocols) {
  std::vector<unsigned char> wire;
  for (const auto& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) return Failure{"TLS settings: ALPN name \"" + protocol + '"'};
    wire.push_back(static_cast<unsigned char>(protocol.size()));
    wire.insert(wire.end(), protocol.begin(), protocol.end());
  }
  return wire;
}

}  // namespace

Result<std::unique_ptr<ServerContext>> ServerContext::create(const ServerTlsSettings& settings,
                                                             SessionTickets& tickets) {
  ERR_clear_error();
  auto alpn = alpn_list(settings.alpn);
  if (!alpn) return alpn.error();
  std::unique_ptr<ServerContext> made(new ServerContext);
  made->context_.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = made->context_.get();
  if (!context) return failure("TLS context");
  if (auto set = set_protocols(context, settings); !set) return set.error();
  set_behaviour(context);
  set_callbacks(context);
  tickets.serve(context);
  made->alpn_wire_ = std::move(*alpn);
  if (!made->alpn_wire_.empty()) SSL_CTX_set_alpn_select_cb(context, on_alpn, &made->alpn_wire_);
  return made;
}

ServerContext::~ServerContext() = default;

SslPtr ServerContext::accept(const CertificateStore& store) const {
  SslPtr ssl(SSL_new(context_.get()));
  auto session = std::make_unique<Accepted>(Accepted{&store, {}});
  if (!ssl || SSL_set_ex_data(ssl.get(), accepted_index(), session.get()) != 1) throw std::bad_alloc();
  (void)session.release();  // the connection's, from here on
  SSL_set_accept_state(ssl.get());
  return ssl;
}

std::string_view ServerContext::server_name(const SSL* ssl) {
  return accepted(ssl)->server_name;
}

}  // namespace fairlead

#include "tls/client_context.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <mutex>
#include <new>
#include <utility>

namespace fairlead {

namespace {

// The newest session that an upstream gave us, to begin the next connection with. Owned by the SSL_CTX, so that it
// lives as long as its last session.
class LastSession {
 public:
  // Copies, in and out: OpenSSL spoils the session of a connection that ends without close_notify.
  void keep(const SSL_SESSION* session) {
    SslSessionPtr next(SSL_SESSION_dup(session));
    const std::lock_guard lock(mutex_);
    session_.swap(next);
  }

  void offer_in(SSL* ssl) {
    const std::lock_guard lock(mutex_);
    const SslSessionPtr copy(session_ ? SSL_SESSION_dup(session_.get()) : nullptr);
    if (copy) SSL_set_session(ssl, copy.get());
  }

 private:
  std::mutex mutex_;
  SslSessionPtr session_;
};

void free_last_session(void*, void* last, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<LastSession*>(last);
}

int last_session_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_last_session);
  return index;
}

LastSession& last_session(const SSL_CTX* context) {
  return *static_cast<LastSession*>(SSL_CTX_get_ex_data(context, last_session_index()));
}

int on_new_session(SSL* ssl, SSL_SESSION* session) {
  last_session(SSL_get_SSL_CTX(ssl)).keep(session);
  return 0;  // no reference kept
}

bool is_address(const std::string& name) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(name.c_str());
  ERR_clear_error();
  const bool is = address != nullptr;
  ASN1_OCTET_STRING_free(address);
  return is;
}

Failure failure(const std::string& what) {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  std::string message = what + (reason ? std::string(": ") + reason : "");
  ERR_clear_error();
  return {std::move(message)};
}

Result<void> trust(SSL_CTX* context, const std::string& ca_pem) {
  const BioPtr input(BIO_new_mem_buf(ca_pem.data(), static_cast<int>(ca_pem.size())));
  int count = 0;
  while (const X509Ptr next{PEM_read_bio_X509(input.get(), nullptr, nullptr, nullptr)}) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), next.get()) != 1)
      return failure("upstream CA certificate");
    ++count;
  }
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) return failure("upstream CA certificate");
  ERR_clear_error();
  if (count == 0) return Failure{"upstream CA certificate: no certificate in PEM form"};
  return {};
}

Result<void> set_verification(SSL_CTX* context, const ClientTlsSettings& settings) {
  if (!settings.verify) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    return {};
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (!settings.ca_pem.empty()) return trust(context, settings.ca_pem);
  if (SSL_CTX_set_default_verify_paths(context) != 1) return failure("the system's CA certificates");
  return {};
}

void set_behaviour(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_new_session);
}

}  // namespace

Result<std::unique_ptr<ClientContext>> ClientContext::create(const ClientTlsSettings& settings) {
  ERR_clear_error();
  std::unique_ptr<ClientContext> made(new ClientContext);
  made->settings_ = settings;
  made->context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = made->context_.get();
  if (!context) return failure("TLS context");
  auto last = std::make_unique<LastSession>();
  if (SSL_CTX_set_ex_data(context, last_session_index(), last.get()) != 1) return failure("TLS context");
  (void)last.release();  // the context's, from here on
  if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) return failure("TLS context");
  set_behaviour(context);
  if (auto set = set_verification(context, settings); !set) return set.error();
  return made;
}

ClientContext::~ClientContext() = default;

SslPtr ClientContext::connect(std::string_view protocol) const {
  SslPtr ssl(SSL_new(context_.get()));
  if (!ssl) throw std::bad_alloc();
  const std::string& name = settings_.server_name;
  const bool address = !name.empty() && is_address(name);
  if (!name.empty() && !address) SSL_set_tlsext_host_name(ssl.get(), name.c_str());  // RFC 6066: never an address
  if (settings_.verify && address) X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), name.c_str());
  if (settings_.verify && !address && !name.empty()) SSL_set1_host(ssl.get(), name.c_str());
  last_session(context_.get()).offer_in(ssl.get());
  if (!protocol.empty()) {
    const std::string list = static_cast<char>(protocol.size()) + std::string(protocol);
    if (SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(list.data()),
                            static_cast<unsigned>(list.size())) != 0) {
      throw std::bad_alloc();
    }
  }
  SSL_set_connect_state(ssl.get());
  return ssl;
}

}  // namespace fairlead

#include "tests/support/tls_socket.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <utility>

namespace fairlead::test {
namespace {

// OpenSSL's BIO writes without MSG_NOSIGNAL.
void ignore_broken_pipes() {
  static const auto before = std::signal(SIGPIPE, SIG_IGN);
  static_cast<void>(before);
}

}  // namespace

TlsSocket::TlsSocket(RawSocket socket, SslPtr session) : RawSocket(std::move(socket)), ssl_(std::move(session)) {
  ignore_broken_pipes();
  if (!open()) return;
  SSL_set_fd(ssl_.get(), fd());
  up_ = SSL_do_handshake(ssl_.get()) == 1;
  ERR_clear_error();
}

std::string TlsSocket::certificate_name() const {
  const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  char name[256] = "";
  if (certificate) X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

void TlsSocket::close_notify() {
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

ssize_t TlsSocket::receive(char* bytes, std::size_t count) {
  if (!up_) return 0;
  const int got = SSL_read(ssl_.get(), bytes, static_cast<int>(count));
  if (got > 0) return got;
  const int error = SSL_get_error(ssl_.get(), got);
  ERR_clear_error();
  if (error == SSL_ERROR_WANT_READ) {  // the patience of the socket is over
    errno = EAGAIN;
    return -1;
  }
  end_ = error == SSL_ERROR_ZERO_RETURN ? End::close_notify : End::cut;
  return 0;
}

ssize_t TlsSocket::transmit(const char* bytes, std::size_t count) {
  if (!up_) return -1;
  const int taken = SSL_write(ssl_.get(), bytes, static_cast<int>(count));
  ERR_clear_error();
  return taken > 0 ? taken : -1;
}

SslCtxPtr tls_server_context(const TestCertificate& certificate) {
  SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  const BioPtr pem(BIO_new_mem_buf(certificate.certificate_pem.data(), -1));
  const BioPtr key_pem(BIO_new_mem_buf(certificate.key_pem.data(), -1));
  const X509Ptr x509(PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr));
  const EvpPkeyPtr key(PEM_read_bio_PrivateKey(key_pem.get(), nullptr, nullptr, nullptr));
  if (SSL_CTX_use_certificate(context.get(), x509.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) {
    throw std::runtime_error("the test's certificate is of no use");
  }
  return context;
}

Origin::Handler over_tls(SSL_CTX* context, Origin::Handler handler) {
  return [context, handler = std::move(handler)](RawSocket& connection) {
    SslPtr session(SSL_new(context));
    SSL_set_accept_state(session.get());
    TlsSocket tls(std::move(connection), std::move(session));
    if (tls.up()) handler(tls);
    connection = std::move(tls);  // the Origin closes it
  };
}

}  // namespace fairlead::test

#include "tests/support/tls_front.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>
#include <string_view>

namespace fairlead::test {
namespace {

void require(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("TLS front: ") + what);
}

X509* read_certificate(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  require(certificate != nullptr, "certificate");
  return certificate;
}

SSL_CTX* make_context(const TestCertificate& own, const std::string& client_authority) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  X509* certificate = read_certificate(own.certificate_pem);
  BIO* bio = BIO_new_mem_buf(own.key_pem.data(), static_cast<int>(own.key_pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  require(SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1, "key");
  X509_free(certificate);
  EVP_PKEY_free(key);
  if (!client_authority.empty()) {
    X509* authority = read_certificate(client_authority);
    require(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority) == 1, "authority");
    X509_free(authority);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::string common_name(const SSL* ssl) {
  X509* certificate = SSL_get1_peer_certificate(ssl);
  if (certificate == nullptr) return {};
  std::array<char, 256> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(), name.size());
  X509_free(certificate);
  return name.data();
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

TlsFront::TlsFront(std::uint16_t backend_port, const TestCertificate& certificate, const std::string& client_authority,
                   std::uint16_t port)
    : backend_port_(backend_port), context_(make_context(certificate, client_authority)) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): SSL_write knows no MSG_NOSIGNAL
  std::signal(SIGPIPE, SIG_IGN);
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address = loopback(port);
  socklen_t length = sizeof address;
  require(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0 && ::listen(listener_, 128) == 0,
          "listen");
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

TlsFront::~TlsFront() {
  closing_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  for (Connection& connection : connections_) ::shutdown(connection.socket, SHUT_RDWR);
  for (Connection& connection : connections_) {
    connection.thread.join();
    ::close(connection.socket);
  }
  SSL_CTX_free(context_);
}

std::string TlsFront::client_name() const {
  const std::lock_guard lock(mutex_);
  return client_name_;
}

std::string TlsFront::server_name() const {
  const std::lock_guard lock(mutex_);
  return server_name_;
}

void TlsFront::accept_all() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    Connection& connection = connections_.emplace_back();
    connection.socket = socket;
    connection.thread = std::thread([this, socket] { serve(socket); });
  }
}

void TlsFront::serve(int socket) {
  SSL* ssl = SSL_new(context_);
  SSL_set_fd(ssl, socket);
  if (SSL_accept(ssl) == 1) {
    {
      const std::lock_guard lock(mutex_);
      client_name_ = common_name(ssl);
      const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
      server_name_ = name == nullptr ? "" : name;
    }
    const int backend = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(backend_port_);
    if (::connect(backend, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      relay(ssl, socket, backend);
    }
    ::close(backend);
  }
  SSL_free(ssl);
  ::shutdown(socket, SHUT_RDWR);  // closed when all is over, so that its number stays ours
}

// Until either side has ended.
void TlsFront::relay(SSL* ssl, int client, int backend) const {
  std::array<char, 16 * 1024> piece{};
  while (!closing_) {
    std::array<pollfd, 2> ready{{{client, POLLIN, 0}, {backend, POLLIN, 0}}};
    if (SSL_pending(ssl) == 0) ::poll(ready.data(), ready.size(), -1);
    if (SSL_pending(ssl) > 0 || ready[0].revents != 0) {
      const int got = SSL_read(ssl, piece.data(), static_cast<int>(piece.size()));
      if (got <= 0 || !send_all(backend, {piece.data(), static_cast<std::size_t>(got)})) return;
    }
    if (ready[1].revents != 0) {
      const ssize_t got = ::recv(backend, piece.data(), piece.size(), 0);
      if (got <= 0 || SSL_write(ssl, piece.data(), static_cast<int>(got)) <= 0) return;
    }
  }
}

}  // namespace fairlead::test

#include "tls/connection_bio.hpp"

#include <openssl/err.h>

#include <new>

namespace fairlead {

namespace {

thread_local const char* last_failure = "";

BioTransport& transport_of(BIO* bio) {
  return *static_cast<BioTransport*>(BIO_get_data(bio));
}

int receive(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const int count = transport_of(bio).receive(data, size);
  if (count > 0) return count;
  if (count == 0) {
    BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return 0;
  }
  if (count == BioTransport::would_block) BIO_set_retry_read(bio);
  return -1;
}

int send(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const int count = transport_of(bio).send(data, size);
  if (count > 0) return count;
  if (count == BioTransport::would_block) BIO_set_retry_write(bio);
  return -1;
}

long control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:  // the stream sends when the event ends
      return 1;
    case BIO_CTRL_EOF:
      return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    default:
      return 0;
  }
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection");
  if (!method) throw std::bad_alloc();
  BIO_meth_set_read(method, receive);
  BIO_meth_set_write(method, send);
  BIO_meth_set_ctrl(method, control);
  return method;
}

TlsResult failed(const char* reason) {
  last_failure = reason ? reason : "";
  return TlsResult::failed;
}

}  // namespace

void attach_transport(SSL* ssl, BioTransport& transport) {
  static BIO_METHOD* const method = make_method();  // as long as the process
  BIO* bio = BIO_new(method);
  if (!bio) throw std::bad_alloc();
  BIO_set_data(bio, &transport);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
}

TlsResult tls_result(SSL* ssl, int returned) {
  if (returned > 0) {
    ERR_clear_error();
    return TlsResult::done;
  }
  const int error = SSL_get_error(ssl, returned);
  const unsigned long code = ERR_peek_last_error();  // what libssl made of it comes last
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  switch (error) {
    case SSL_ERROR_WANT_READ:
      return TlsResult::want_read;
    case SSL_ERROR_WANT_WRITE:
      return TlsResult::want_write;
    case SSL_ERROR_ZERO_RETURN:
      return TlsResult::closed;
    case SSL_ERROR_SSL:
      if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) return TlsResult::closed;
      return failed(reason);
    default:
      return failed(reason ? reason : "connection failed");
  }
}

const char* tls_failure_reason() {
  const char* pending = ERR_reason_error_string(ERR_peek_last_error());
  return pending ? pending : last_failure;
}

}  // namespace fairlead

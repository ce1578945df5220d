#pragma once

#include <cstddef>
#include <cstdint>

#include "tls/openssl_ptr.hpp"

namespace fairlead {

// What a connection's BIO reads from and writes to. Implemented by the stream that owns the socket: bytes go from the
// socket straight into OpenSSL's buffer, and the records of one event are gathered by the stream into one send.
class BioTransport {
 public:
  static constexpr int would_block = -1;
  static constexpr int failed = -2;

  virtual ~BioTransport() = default;
  // At most size bytes; 0 = end of stream; would_block or failed.
  virtual int receive(char* data, int size) = 0;
  // Takes all of it (the stream buffers what the socket does not), or would_block when its buffer is full, or failed.
  virtual int send(const char* data, int size) = 0;
};

// Attaches one BIO over the transport to both directions of the session. The transport must outlive the session.
void attach_transport(SSL* ssl, BioTransport& transport);

// Outcome of one SSL call.
enum class TlsResult : std::uint8_t { done, want_read, want_write, closed, failed };

// What SSL_get_error says after a call that returned `returned`. Clears the thread's error queue. closed: close_notify,
// or end of stream without one (RFC 8446 6.1; HTTP's own framing tells truncation).
TlsResult tls_result(SSL* ssl, int returned);

// The reason of the last failure on this thread, for a log line, e.g. "no shared cipher". "" if none. Call before
// tls_result.
const char* tls_failure_reason();

}  // namespace fairlead

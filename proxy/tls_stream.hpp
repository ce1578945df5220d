#pragma once

#include <string>

#include "proxy/stream.hpp"
#include "tls/connection_bio.hpp"

namespace fairlead {

// What one Worker's TLS streams share: a place to join small pieces into one record, and one where the records of a
// write are gathered before they are sent.
struct TlsScratch {
  static constexpr std::size_t record = 16 * 1024;
  static constexpr std::size_t gather_size = Stream::max_write + Stream::max_write / 8;
  std::unique_ptr<char[]> join = std::make_unique<char[]>(record);
  std::unique_ptr<char[]> gather = std::make_unique<char[]>(gather_size);
  std::size_t gathered = 0;
};

// TLS over one socket. The session reads from the socket directly; records it writes within one call leave in one send.
class TlsStream final : public Stream, private BioTransport {
 public:
  TlsStream(SslPtr session, TlsScratch& scratch);
  ~TlsStream() override;

  // Goes on with the handshake: done, want_read, want_write, closed or failed.
  TlsResult handshake();
  bool spoke_plain_http() const { return spoke_plain_http_; }
  // Whether ALPN settled on this protocol.
  bool chose(std::string_view protocol) const;
  SSL* session() const { return session_.get(); }

  IoCount read(char* data, std::size_t size) override;
  IoCount write(std::span<const iovec> pieces, bool end_follows) override;
  IoCount flush() override;
  std::size_t unsent() const override { return unsent_.size(); }
  void shutdown_write() override;
  bool has_buffered() const override;
  Socket& socket() override { return socket_; }

 private:
  static constexpr std::size_t max_unsent = 2 * TlsScratch::gather_size;

  int receive(char* data, int size) override;
  int send(const char* data, int size) override;
  IoCount write_piece(const char* data, std::size_t size);
  bool send_gathered(bool end_follows = false);

  Socket socket_;
  SslPtr session_;
  TlsScratch& scratch_;
  std::string unsent_;  // records that the socket did not take
  bool first_bytes_seen_ = false;
  bool spoke_plain_http_ = false;
  bool failed_ = false;
};

}  // namespace fairlead

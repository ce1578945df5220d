#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::test {

// A blocking TCP socket that sends and receives exact bytes. Every wait ends after patience, with what was received.
class RawSocket {
 public:
  static constexpr std::chrono::seconds patience{10};

  RawSocket() = default;
  explicit RawSocket(int fd);
  // To 127.0.0.1. Not open() when it was refused.
  static RawSocket connect(std::uint16_t port);
  RawSocket(RawSocket&& other) noexcept;
  RawSocket& operator=(RawSocket&& other) noexcept;
  virtual ~RawSocket();

  bool open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  bool send(std::string_view bytes);
  // Up to the first occurrence of end, it included; what is behind it is kept. Less when the peer closed or was silent.
  std::string read_until(std::string_view end);
  std::string read_exactly(std::size_t count);
  std::string read_to_end();  // until the peer closes its side
  // What is there or comes next, at most count bytes; "" at the end.
  std::string read_some(std::size_t count = 64 * 1024);
  bool at_end();     // the peer has ended its side: waits for it
  bool ends_here();  // likewise, and not a byte came before
  bool was_reset() const { return reset_; }

  void finish();  // FIN
  void reset();   // RST
  void close();

 protected:
  // As ::recv and ::send do it.
  virtual ssize_t receive(char* bytes, std::size_t count);
  virtual ssize_t transmit(const char* bytes, std::size_t count);

 private:
  bool fill();

  int fd_ = -1;
  std::string buffer_;
  bool ended_ = false;
  bool reset_ = false;
};

// One HTTP/1.1 response as a client reads it.
struct RawResponse {
  int status = 0;
  std::string head;  // status line and fields, without the empty line
  std::string body;  // decoded
  std::string trailers;
  bool complete = false;

  // The value of the first field of that name, "" if there is none. ASCII case is ignored.
  std::string field(std::string_view name) const;
  bool has(std::string_view name) const;
};

// request_was_head: no body follows whatever the fields say.
RawResponse read_response(RawSocket& socket, bool request_was_head = false);
// Sends these bytes, then reads one response.
RawResponse ask(RawSocket& socket, std::string_view bytes, bool request_was_head = false);

// One request as an origin reads it; the body decoded.
struct RawRequest {
  std::string head;
  std::string body;
  std::string trailers;
  bool complete = false;

  std::string line() const;
  std::string field(std::string_view name) const;
  bool has(std::string_view name) const;
};
RawRequest read_request(RawSocket& socket);

// One chunk of a chunked body, which "0\r\n\r\n" ends.
std::string chunk(std::string_view text);

}  // namespace fairlead::test

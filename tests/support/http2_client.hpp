#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/http2_frame.hpp"
#include "tests/support/raw_socket.hpp"

namespace fairlead::test {

using Http2Fields = std::vector<std::pair<std::string, std::string>>;

struct Http2Frame {
  Http2FrameHead head;
  std::string payload;
  bool none = false;  // the connection ended instead
  std::uint32_t number(std::size_t at) const;
};

// What one stream brought.
struct Http2Response {
  int status = 0;
  std::vector<int> interim;
  Http2Fields fields, trailers;
  std::string body;
  bool complete = false;
  bool reset = false;
  Http2Error error = Http2Error::no_error;  // of the reset
  std::string field(std::string_view name) const;
};

// An HTTP/2 client, or server, that sends exactly the frames it is told to. Frames are made and read here; only header
// compression is nghttp2's.
class Http2Client {
 public:
  static constexpr std::uint8_t end_stream = 1, end_headers = 4;

  // Sends the preface and SETTINGS with these entries; answers those of the server. The socket outlives this.
  explicit Http2Client(RawSocket& socket, std::string_view settings = {});
  // As a server: reads the client's preface first. What is said of responses below is then of requests.
  static Http2Client serving(RawSocket& socket, std::string_view settings = {});
  Http2Client(Http2Client&&) = default;
  ~Http2Client();

  bool frame(Http2FrameType type, std::uint8_t flags, std::int32_t stream, std::string_view payload = {});
  bool headers(std::int32_t stream, const Http2Fields& fields, std::uint8_t flags = end_stream | end_headers);
  bool data(std::int32_t stream, std::string_view bytes, bool end = false);
  // Likewise, waiting for the peer's windows. False when the stream or the connection came to its end before.
  bool data_in_windows(std::int32_t stream, std::string_view bytes, bool end);
  bool reset(std::int32_t stream, Http2Error code = Http2Error::cancel);
  bool window(std::int32_t stream, std::uint32_t increment);
  std::string compress(const Http2Fields& fields);
  // Opens the next stream with a GET, or what the fields make of it. Returns its id.
  std::int32_t get(const std::string& host, const std::string& path = "/", const Http2Fields& more = {});
  std::int32_t post(const std::string& host, const Http2Fields& more = {});
  std::int32_t next_stream();

  // Every frame that comes is taken into what is known below.
  Http2Frame next();
  // Reads on until the stream is at its end, or the connection.
  Http2Response response(std::int32_t stream);
  bool until(const std::function<bool()>& condition);
  const Http2Response& seen(std::int32_t stream) { return responses_[stream]; }
  // Reads to the end of the connection.
  void read_to_end();
  // Servers: the next request that comes whole, or 0 at the end of the connection.
  std::int32_t next_request();
  bool respond(std::int32_t stream, int status, std::string_view body = {}, const Http2Fields& more = {});

  bool got_goaway = false;
  Http2Error goaway_error = Http2Error::no_error;
  std::vector<std::int32_t> goaway_streams;  // the last stream that each GOAWAY named
  int pings_acknowledged = 0;
  int settings_acknowledged = 0;
  bool opens_windows = true;  // WINDOW_UPDATE for what is read
  bool answers_pings = true;
  bool ended = false;

  static std::string number(std::uint32_t value);  // four bytes
  static std::string setting(std::uint16_t id, std::uint32_t value);

 private:
  struct Codec;
  struct Serving {};
  Http2Client(RawSocket& socket, std::string_view settings, Serving);
  void take(const Http2Frame& frame);
  void take_headers(const Http2Frame& frame);

  RawSocket& socket_;
  std::unique_ptr<Codec> codec_;
  bool serving_ = false;
  std::string block_;  // of HEADERS and CONTINUATION
  bool block_ends_stream_ = false;
  std::map<std::int32_t, Http2Response> responses_;
  std::int32_t next_stream_ = 1;
  std::int32_t last_request_ = -1;
  std::int64_t connection_window_ = 65'535, initial_window_ = 65'535;  // of the peer, for what is sent
  std::map<std::int32_t, std::int64_t> sent_;                          // less what it opened
};

}  // namespace fairlead::test

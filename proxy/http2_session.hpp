#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "proxy/http2_fields.hpp"
#include "proxy/http2_frame.hpp"
#include "proxy/http2_memory.hpp"
#include "proxy/output.hpp"

namespace fairlead {

// What a stream has to send next.
struct Http2Outgoing {
  std::size_t size = 0;         // of its body, 0: nothing for now
  bool end = false;             // these are the last bytes
  std::string_view trailers{};  // that follow them: lines, or ""
};

// One stream, as its session sees it. Called from within receive() and gather(), and must not call these in turn.
class Http2Channel {
 public:
  virtual ~Http2Channel() = default;

  virtual void on_field(std::string_view name, std::string_view value) = 0;
  // The head, an interim head or the trailers are complete. ends_stream: nothing follows; on_end() comes next.
  virtual void on_fields_end(bool ends_stream) = 0;
  virtual void on_data(std::string_view piece) = 0;
  virtual void on_end() = 0;  // the peer has sent all
  // Nothing more comes or goes. reset_by_peer: it sent RST_STREAM, or the connection ended.
  virtual void on_closed(Http2Error code, bool reset_by_peer) = 0;

  // At most `most` bytes, as far as the windows allow.
  virtual Http2Outgoing outgoing(std::size_t most) = 0;
  // Adds the next `count` bytes of the body to the output. They must stay valid until it is sent.
  virtual void give(std::size_t count, Output& output) = 0;
  // A frame with so many bytes, its head included, was given to the output. fields: it ends a head or the trailers.
  virtual void on_sent(std::size_t bytes, bool fields) = 0;
};

// Whoever runs a session. Called from within receive() and gather(), as Http2Channel is.
class Http2SessionOwner {
 public:
  virtual ~Http2SessionOwner() = default;

  // Before anything else is made of a frame. It may terminate or reset; what follows a termination is not looked at.
  // payload: as much as is there of it; of a PRIORITY frame all.
  virtual void on_frame_begin(const Http2FrameHead& head, std::string_view payload) = 0;
  // A header block came to its end, whether anything was made of it or not.
  virtual void on_head_end() = 0;
  virtual void on_frame(const Http2FrameHead& head, std::size_t payload) = 0;  // complete and in order; less padding
  virtual Http2Channel* on_open(std::int32_t stream) = 0;                      // servers: by the client. Never null.
  virtual void on_malformed(std::int32_t stream, std::string_view why) = 0;    // and will be reset
  virtual void on_reset_sent(std::int32_t stream, Http2Error code) = 0;
  virtual void on_closed(std::int32_t stream) = 0;
  // Outside of receive() and gather(): something is to be sent that nobody asked for, such as WINDOW_UPDATE.
  virtual void on_unasked() {}
};

// What the sessions of one Worker share.
class Http2Library {
 public:
  Http2Library();
  ~Http2Library();
  Http2Library(const Http2Library&) = delete;
  Http2Library& operator=(const Http2Library&) = delete;

  Http2Fields fields;  // being put together

 private:
  friend class Http2Session;
  Http2Memory memory_;
  nghttp2_session_callbacks* callbacks_ = nullptr;
  nghttp2_option* options_ = nullptr;
};

enum class Http2Role : std::uint8_t { server, client };

struct Http2Settings {
  Http2Role role = Http2Role::server;
  std::uint32_t max_concurrent_streams = 128;  // servers
  std::uint32_t stream_window = 65'535;        // bytes of one body that may be on their way unread
  std::int32_t connection_window = 1'048'576;
  std::uint32_t max_header_list = 32 * 1024;
  bool extended_connect = true;  // RFC 8441; servers
};

// Framing, header compression and flow control of one HTTP/2 connection: all that is known of nghttp2. Does no I/O.
class Http2Session {
 public:
  Http2Session(Http2Library& library, Http2SessionOwner& owner, const Http2Settings& settings);
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  // False when the connection is beyond repair.
  bool receive(std::string_view bytes);
  // Adds frames to the output as far as it has room. True when more wait for room.
  bool gather(Output& output);
  bool broken() const { return broken_; }
  bool inside_frame() const { return scan_.inside_frame(); }
  bool wants_write() const;
  // The session has nothing more to read or to write: the connection can be closed.
  bool over() const;
  std::size_t queued_frames() const;
  // Gives memory back that is of use again with the next frame. Only without streams and with nothing to write.
  void rest();

  Http2Channel* channel(std::int32_t stream) const;
  // From here on nothing is told about this stream.
  void forget(std::int32_t stream);

  // Servers.
  void interim(std::int32_t stream, const Http2Fields& fields);
  // has_body: the channel is asked for it, and says when it ends.
  void respond(std::int32_t stream, const Http2Fields& fields, bool has_body);

  // Clients. Opens a stream; its id, or 0 when none can be opened any more. has_body: as of respond().
  std::int32_t request(Http2Channel& channel, const Http2Fields& fields, bool has_body);
  // Neither side ended the connection, and ids are left.
  bool may_request() const;
  // What the server has set; before that, what goes without saying.
  std::uint32_t peer_max_streams() const;
  bool peer_allows_connect() const;  // RFC 8441

  // The channel has something to send, after it had nothing.
  void resume(std::int32_t stream);
  // Whether the peer takes body bytes of this stream now: its window is open, and that of the connection.
  bool window_open(std::int32_t stream) const;
  void reset(std::int32_t stream, Http2Error code);
  // Body bytes of a stream were passed on: lets the peer send as many more.
  void consumed(std::int32_t stream, std::size_t bytes);

  // The two steps of a drain (RFC 9113 6.8): an announcement, then the last stream that will be served.
  void announce_goaway();
  void goaway();
  void ping();
  // GOAWAY at once; what arrives from here on is not looked at.
  void terminate(Http2Error code);
  bool terminated() const { return terminated_; }

 private:
  struct Callbacks;
  friend class Http2Library;

  void submit_settings(const Http2Settings& settings);
  void feed(std::string_view bytes);

  Http2Library& library_;
  Http2SessionOwner& owner_;
  nghttp2_session* session_ = nullptr;
  Http2Memory::Pieces pieces_;
  Http2FrameScan scan_;
  Output* output_ = nullptr;  // while gathering
  bool no_room_ = false;      // while gathering: the output must be sent first
  bool ends_head_ = false;    // the frame being received
  bool broken_ = false;
  bool terminated_ = false;
};

}  // namespace fairlead

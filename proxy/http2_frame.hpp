#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fairlead {

// Frame types and error codes as RFC 9113 6 and 7 number them; PRIORITY_UPDATE is of RFC 9218.
enum class Http2FrameType : std::uint8_t {
  data = 0,
  headers = 1,
  priority = 2,
  rst_stream = 3,
  settings = 4,
  push_promise = 5,
  ping = 6,
  goaway = 7,
  window_update = 8,
  continuation = 9,
  priority_update = 16,
};

enum class Http2Error : std::uint32_t {
  no_error = 0,
  protocol_error = 1,
  internal_error = 2,
  flow_control_error = 3,
  settings_timeout = 4,
  stream_closed = 5,
  frame_size_error = 6,
  refused_stream = 7,
  cancel = 8,
  compression_error = 9,
  connect_error = 10,
  enhance_your_calm = 11,
};
std::string_view name_of(Http2Error code);

// The nine bytes in front of every frame (RFC 9113 4.1).
struct Http2FrameHead {
  static constexpr std::size_t size = 9;
  static constexpr std::uint8_t end_stream = 0x1, ack = 0x1, end_headers = 0x4;

  std::uint32_t length = 0;  // of what follows
  Http2FrameType type = Http2FrameType::data;
  std::uint8_t flags = 0;
  std::int32_t stream = 0;

  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
  static Http2FrameHead parse(const char* bytes);
  static std::int32_t stream_at(const char* bytes);  // the 31 bits of an id
};

// Finds the frames in a stream of bytes that arrives in pieces.
class Http2FrameScan {
 public:
  static constexpr std::string_view client_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

  // skip: bytes in front of the first frame (the preface).
  explicit Http2FrameScan(std::size_t skip) : left_(skip) {}

  struct Step {
    std::string_view bytes;     // belong together, and come next
    bool begins_frame = false;  // they begin with a frame's head, which is `head`
    Http2FrameHead head;
    // What follows the head in `bytes`: of a PRIORITY frame always all.
    std::string_view payload() const { return bytes.substr(Http2FrameHead::size); }
  };
  // The next step of what arrived, which it is taken from. False when no more can be told yet: the beginning of a
  // frame's head is kept. A step's bytes are valid until the next call.
  bool next(std::string_view& arrived, Step& step);
  // Whether a frame has begun and is not complete.
  bool inside_frame() const { return left_ > 0 || partial_size_ > 0; }

 private:
  std::uint64_t left_;                             // of the frame (or the preface) that was begun
  static constexpr std::size_t priority_size = 5;  // of its payload (RFC 9113 6.3)
  // How many bytes at the front of a frame must be there to be a step.
  bool fill(std::string_view& arrived, std::size_t size);
  static std::size_t needed(const Http2FrameHead& head);

  std::array<char, Http2FrameHead::size + priority_size> partial_{};
  std::size_t partial_size_ = 0;
};

}  // namespace fairlead

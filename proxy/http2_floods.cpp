#include "proxy/http2_floods.hpp"

#include <algorithm>

namespace fairlead {

std::string_view Http2Floods::control(LoopTime now) {
  const bool too_much = control_.exceeds(limits_.http2_max_control_frames, now, limits_.http2_flood_interval);
  return too_much ? "http2_max_control_frames" : "";
}

std::string_view Http2Floods::reset(LoopTime now) {
  const bool too_much = resets_.exceeds(limits_.http2_max_resets, now, limits_.http2_flood_interval);
  return too_much ? "http2_max_resets" : "";
}

void Http2Floods::data_sent() {
  update_credit_ = std::min(update_credit_ + updates_a_frame, most_update_credit);
}

std::string_view Http2Floods::frame(const Http2FrameHead& head, LoopTime now) {
  switch (head.type) {
    case Http2FrameType::data:
    case Http2FrameType::goaway:
      return {};
    case Http2FrameType::rst_stream:
      return reset(now);
    case Http2FrameType::headers:
      continuations_ = 0;
      block_bytes_ = head.length;
      return {};
    case Http2FrameType::continuation:
      block_bytes_ += head.length;
      if (++continuations_ > limits_.http2_max_continuations) return "http2_max_continuations";
      return block_bytes_ > 2 * max_head_ ? head_limit_ : std::string_view();
    case Http2FrameType::window_update:
    case Http2FrameType::ping:  // by which gRPC measures how fast data comes
      if (update_credit_ == 0) return control(now);
      --update_credit_;
      return {};
    default:
      return control(now);
  }
}

}  // namespace fairlead

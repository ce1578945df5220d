#include "proxy/http2_frame.hpp"

#include <algorithm>

namespace fairlead {

Http2FrameHead Http2FrameHead::parse(const char* bytes) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])); };
  Http2FrameHead head;
  head.length = at(0) << 16 | at(1) << 8 | at(2);
  head.type = static_cast<Http2FrameType>(at(3));
  head.flags = static_cast<std::uint8_t>(at(4));
  head.stream = static_cast<std::int32_t>((at(5) & 0x7f) << 24 | at(6) << 16 | at(7) << 8 | at(8));
  return head;
}

bool Http2FrameScan::next(std::string_view& arrived, Step& step) {
  if (arrived.empty()) return false;
  step.begins_frame = left_ == 0;
  if (left_ > 0) {
    step.bytes = arrived.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, arrived.size())));
    left_ -= step.bytes.size();
    arrived.remove_prefix(step.bytes.size());
    return true;
  }
  if (partial_size_ == 0 && arrived.size() >= Http2FrameHead::size) {  // the usual case: no copy
    step.head = Http2FrameHead::parse(arrived.data());
    const std::size_t whole = Http2FrameHead::size + step.head.length;
    step.bytes = arrived.substr(0, whole);
    left_ = whole - step.bytes.size();
    arrived.remove_prefix(step.bytes.size());
    return true;
  }
  const std::size_t taken = std::min(Http2FrameHead::size - partial_size_, arrived.size());
  arrived.copy(partial_.data() + partial_size_, taken);
  arrived.remove_prefix(taken);
  partial_size_ += taken;
  if (partial_size_ < Http2FrameHead::size) return false;
  partial_size_ = 0;
  step.head = Http2FrameHead::parse(partial_.data());
  step.bytes = {partial_.data(), partial_.size()};
  left_ = step.head.length;
  return true;
}

std::string_view name_of(Http2Error code) {
  static constexpr std::string_view names[] = {"NO_ERROR",           "PROTOCOL_ERROR",   "INTERNAL_ERROR",
                                               "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
                                               "FRAME_SIZE_ERROR",   "REFUSED_STREAM",   "CANCEL",
                                               "COMPRESSION_ERROR",  "CONNECT_ERROR",    "ENHANCE_YOUR_CALM"};
  const auto index = static_cast<std::size_t>(code);
  return index < std::size(names) ? names[index] : "unknown error";
}

}  // namespace fairlead

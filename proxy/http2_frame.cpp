#include "proxy/http2_frame.hpp"

#include <algorithm>
#include <utility>

namespace fairlead {

namespace {

std::uint32_t byte_at(const char* bytes, std::size_t i) {
  return static_cast<unsigned char>(bytes[i]);
}

}  // namespace

std::int32_t Http2FrameHead::stream_at(const char* bytes) {
  return static_cast<std::int32_t>((byte_at(bytes, 0) & 0x7f) << 24 | byte_at(bytes, 1) << 16 | byte_at(bytes, 2) << 8 |
                                   byte_at(bytes, 3));
}

Http2FrameHead Http2FrameHead::parse(const char* bytes) {
  Http2FrameHead head;
  head.length = byte_at(bytes, 0) << 16 | byte_at(bytes, 1) << 8 | byte_at(bytes, 2);
  head.type = static_cast<Http2FrameType>(byte_at(bytes, 3));
  head.flags = static_cast<std::uint8_t>(byte_at(bytes, 4));
  head.stream = stream_at(bytes + 5);
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
    if (arrived.size() >= needed(step.head)) {
      const std::size_t whole = Http2FrameHead::size + step.head.length;
      step.bytes = arrived.substr(0, whole);
      left_ = whole - step.bytes.size();
      arrived.remove_prefix(step.bytes.size());
      return true;
    }
  }
  if (!fill(arrived, Http2FrameHead::size)) return false;
  step.head = Http2FrameHead::parse(partial_.data());
  if (!fill(arrived, needed(step.head))) return false;
  step.bytes = {partial_.data(), std::exchange(partial_size_, 0)};
  left_ = Http2FrameHead::size + step.head.length - step.bytes.size();
  return true;
}

bool Http2FrameScan::fill(std::string_view& arrived, std::size_t size) {
  if (partial_size_ >= size) return true;
  const std::size_t taken = std::min(size - partial_size_, arrived.size());
  arrived.copy(partial_.data() + partial_size_, taken);
  arrived.remove_prefix(taken);
  partial_size_ += taken;
  return partial_size_ == size;
}

std::size_t Http2FrameScan::needed(const Http2FrameHead& head) {
  const bool whole = head.type == Http2FrameType::priority && head.length == priority_size;
  return Http2FrameHead::size + (whole ? priority_size : 0);
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

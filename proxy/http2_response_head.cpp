#include "proxy/http2_response_head.hpp"

#include "proxy/kept_text.hpp"

namespace fairlead {

void Http2ResponseHead::clear() {
  clear_keeping(text_, kept_capacity);
  at_ = begin_ = received_ = count_ = interim_ = 0;
  limit_ = {};
}

void Http2ResponseHead::field(std::string_view name, std::string_view value) {
  constexpr std::string_view version = "HTTP/1.1 ";
  if (!limit_.empty()) return;
  received_ += name.size() + value.size() + 4;
  if (received_ > limits_.max_response_head_bytes) {
    limit_ = "max_response_head_bytes";
  } else if (name == ":status") {
    text_.append(version).append(value).append(" \r\n");
  } else if (++count_ > limits_.max_header_count) {
    limit_ = "max_header_count";
  } else {
    text_.append(name).append(": ").append(value).append("\r\n");
  }
}

bool Http2ResponseHead::complete() {
  constexpr std::size_t status_at = 9;
  text_.append("\r\n");
  const bool interim = text_.size() > begin_ + status_at && text_[begin_ + status_at] == '1';
  if (interim && ++interim_ > limits_.max_interim_responses && limit_.empty()) limit_ = "max_interim_responses";
  begin_ = text_.size();
  count_ = 0;
  return !interim;
}

std::string_view Http2ResponseHead::next() {
  constexpr std::string_view end = "\r\n\r\n";
  if (at_ == begin_ || !limit_.empty()) return {};
  const std::size_t size = text_.find(end, at_) + end.size() - at_;
  const std::string_view head = std::string_view(text_).substr(at_, size);
  at_ += size;
  if (at_ == text_.size()) received_ = 0;
  return head;
}

}  // namespace fairlead

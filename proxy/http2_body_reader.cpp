#include "proxy/http2_body_reader.hpp"

#include "proxy/kept_text.hpp"
#include "proxy/trailers.hpp"

namespace fairlead {
void Http2BodyReader::start(Http2Session& session, std::int32_t stream, bool tunnel) {
  session_ = &session;
  stream_ = stream;
  tunnel_ = tunnel ? Tunnel::later : Tunnel::none;
}

void Http2BodyReader::stop() {
  clear_keeping(bytes_, kept_capacity);
  clear_keeping(trailers_, kept_capacity);
  session_ = nullptr;
  at_ = trailer_count_ = 0;
  received_ = 0;
  complete_ = cut_ = false;
  failure_ = limit_ = {};
}

// The one place where bytes move: pieces that were pulled stay where they are until then.
void Http2BodyReader::arrived(std::string_view piece) {
  if (at_ == bytes_.size() || at_ > bytes_.size() / 2) {
    bytes_.erase(0, at_);
    at_ = 0;
  }
  bytes_.append(piece);
}

void Http2BodyReader::trailer(std::string_view name, std::string_view value) {
  if (!limit_.empty()) return;
  if (++trailer_count_ > limits_.max_header_count) {
    failure_ = "there are more trailers than max-header-count";
    limit_ = "max_header_count";
  } else if (trailers_.size() + name.size() + value.size() + 4 > limits_.max_trailer_bytes) {
    failure_ = "the trailers are larger than max-trailer-bytes";
    limit_ = "max_trailer_bytes";
  } else if (may_be_trailer({name, value, field_name(name)})) {
    trailers_.append(name).append(": ").append(value).append("\r\n");
  }
}

void Http2BodyReader::cut(std::string_view why) {
  if (complete_) return;
  cut_ = true;
  if (limit_.empty()) failure_ = why;
}

BodyState Http2BodyReader::pull(std::string_view& piece, bool) {
  if (tunnel_ == Tunnel::later) return BodyState::end;
  if (!failure_.empty()) return BodyState::failed;
  if (at_ < bytes_.size()) {
    piece = std::string_view(bytes_).substr(at_);
    return BodyState::data;
  }
  if (complete_) return BodyState::end;
  return cut_ && tunnel_ == Tunnel::now ? BodyState::failed : BodyState::blocked;
}

void Http2BodyReader::consume(std::size_t count) {
  at_ += count;
  received_ += count;
  if (session_ && !complete_ && !cut_) session_->consumed(stream_, count);
}

void Http2BodyReader::start_raw(std::size_t) {
  if (tunnel_ == Tunnel::later) tunnel_ = Tunnel::now;
}

}  // namespace fairlead

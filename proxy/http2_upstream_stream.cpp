#include "proxy/http2_upstream_stream.hpp"

#include <algorithm>

#include "proxy/exchange.hpp"
#include "proxy/http1_head.hpp"
#include "proxy/http2_request_fields.hpp"
#include "proxy/http2_upstream.hpp"
#include "proxy/kept_text.hpp"

namespace fairlead {
namespace {

std::string_view reason_of(Http2Error code) {
  switch (code) {
    case Http2Error::no_error:
      return "the upstream ended the stream without a whole response";
    case Http2Error::protocol_error:
      return "the upstream reset the stream: PROTOCOL_ERROR";
    case Http2Error::internal_error:
      return "the upstream reset the stream: INTERNAL_ERROR";
    case Http2Error::refused_stream:
      return "the upstream refused the stream";
    case Http2Error::cancel:
      return "the upstream reset the stream: CANCEL";
    case Http2Error::enhance_your_calm:
      return "the upstream reset the stream: ENHANCE_YOUR_CALM";
    default:
      return "the upstream reset the stream";
  }
}

std::string_view describe_limit(std::string_view limit) {
  if (limit == "max_header_count") return describe(HeadError::too_many_fields);
  if (limit == "max_interim_responses") return "the upstream sent too many interim responses";
  return describe(HeadError::head_too_large);
}

}  // namespace

void Http2UpstreamStream::open(Http2Upstream& connection, Session& session) {
  connection_ = &connection;
  session_ = &session;
  opened_at_ = session.now();
}

void Http2UpstreamStream::stop() {
  Http2UpstreamHook::unlink();
  head_.clear();
  body_.stop();
  outbox_.clear();
  clear_keeping(trailers_, Http2BodyReader::kept_capacity);
  fault_ = {};
  malformed_ = {};
  bytes_sent_ = progress_ = 0;
  tunnel_ = has_body_ = ended_ = end_given_ = deferred_ = false;
  head_sent_ = head_complete_ = closed_ = false;
  connection_ = nullptr;
  session_ = nullptr;
  id_ = 0;
}

void Http2UpstreamStream::let_go() {
  if (connection_) connection_->release(*this);
  pool_.give_back(*this);
}

void Http2UpstreamStream::detach(const UpstreamFault& fault) {
  connection_ = nullptr;
  if (!closed_) close(fault);
}

void Http2UpstreamStream::close(const UpstreamFault& fault) {
  closed_ = true;
  fault_ = fault;
  body_.cut(fault.reason);
  wake();
}

void Http2UpstreamStream::wake() {
  if (session_) session_->readiness().wake(*session_);
}

void Http2UpstreamStream::refuse(AttemptFailure failure, std::string_view reason) {
  closed_ = true;
  fault_ = {failure, reason, {}};
}

void Http2UpstreamStream::start(const Exchange& exchange) {
  if (closed_) return;
  if (exchange.framing.upgrade) {
    refuse(AttemptFailure::invalid_response, "the upstream speaks HTTP/2, and takes no Upgrade");
    return;
  }
  Http2Fields& fields = connection_->fields();
  TextBuffer& text = connection_->head_text();
  write_http2_request(fields, text, exchange, connection_->scheme(), {});
  if (fields.overflow() || text.overflow()) {
    refuse(AttemptFailure::invalid_response, "the request's head is too large to be passed on");
    return;
  }
  has_body_ = exchange.framing.body != BodyKind::none;
  ended_ = end_given_ = !has_body_;
  id_ = connection_->session().request(*this, fields, has_body_);
  if (id_ == 0) {
    refuse(AttemptFailure::going_away, "the connection to the upstream takes no more requests");
    return;
  }
  body_.start(connection_->session(), id_, false);
}

void Http2UpstreamStream::data(std::string_view piece) {
  if (has_body_ && !closed_) outbox_.add(piece);
}

void Http2UpstreamStream::end(std::string_view trailers) {
  if (!has_body_ || ended_) return;
  ended_ = true;
  trailers_ = trailers;
}

bool Http2UpstreamStream::send() {
  if (closed_) {
    outbox_.clear();
    return false;
  }
  if (deferred_ && (!outbox_.empty() || ended_ != end_given_)) {
    deferred_ = false;
    connection_->session().resume(id_);
  }
  if (outbox_.size() >= large) connection_->flush_now();
  if (!outbox_.empty()) outbox_.keep();
  if (!connection_) return false;
  connection_->flush_later();
  return !closed_;
}

// What can leave leaves whenever the connection has news: here is only told what became of it.
bool Http2UpstreamStream::flush() {
  if (closed_ || !connection_) return false;
  const bool waits_for_socket = outbox_.empty() || connection_->session().window_open(id_);
  progress_ = bytes_sent_ + (waits_for_socket ? connection_->socket_progress() : 0);
  return true;
}

void Http2UpstreamStream::shutdown() {
  end({});
  send();
}

void Http2UpstreamStream::start_raw(std::size_t most) {
  body_.start_raw(most);
}

HeadState Http2UpstreamStream::read_head(Exchange& exchange, ResponseHead& head, ResponseFraming& framing) {
  const std::string_view text = head_.next();
  if (!text.empty()) return take_head(text, exchange, head, framing);
  if (!head_.limit().empty()) {
    fault_ = {AttemptFailure::invalid_response, describe_limit(head_.limit()), head_.limit()};
    return HeadState::failed;
  }
  return closed_ ? HeadState::failed : HeadState::blocked;
}

HeadState Http2UpstreamStream::take_head(std::string_view text, Exchange& exchange, ResponseHead& head,
                                         ResponseFraming& framing) {
  const HeadError error = parse_response_head(text, exchange.response_fields, head);
  if (error != HeadError::none) {
    fault_ = {AttemptFailure::invalid_response, describe(error), {}};
    return HeadState::failed;
  }
  if (head.status < 200) return HeadState::arrived;
  const FramingError bad = frame_response(head, exchange.request.method, framing);
  if (bad != FramingError::none) {
    fault_ = {AttemptFailure::invalid_response, describe(bad), {}};
    return HeadState::failed;
  }
  frame_body(framing);
  return HeadState::arrived;
}

// The end of the stream ends the body. What is there whole is counted.
void Http2UpstreamStream::frame_body(ResponseFraming& framing) const {
  framing.keep_alive = true;
  if (framing.body != BodyKind::until_close) return;
  framing.body = BodyKind::chunked;
  if (!body_.complete() || !body_.trailers().empty()) return;
  framing.length = body_.unread();
  framing.body = framing.length > 0 ? BodyKind::length : BodyKind::none;
}

void Http2UpstreamStream::on_field(std::string_view name, std::string_view value) {
  if (head_complete_) {
    body_.trailer(name, value);
  } else {
    head_.field(name, value);
  }
}

void Http2UpstreamStream::on_fields_end(bool) {
  if (!head_complete_) head_complete_ = head_.complete();
  wake();
}

void Http2UpstreamStream::on_data(std::string_view piece) {
  body_.arrived(piece);
  wake();
}

void Http2UpstreamStream::on_end() {
  body_.end_arrived();
  wake();
}

void Http2UpstreamStream::on_closed(Http2Error code, bool) {
  if (closed_) return;
  if (!malformed_.empty()) {
    close({AttemptFailure::invalid_response, malformed_, {}});
  } else if (code == Http2Error::refused_stream && connection_->going_away()) {
    close({AttemptFailure::going_away, "the upstream was about to close the connection", {}});
  } else {
    const bool refused = code == Http2Error::refused_stream;
    close({refused ? AttemptFailure::refused : AttemptFailure::stream_reset, reason_of(code), {}});
  }
}

Http2Outgoing Http2UpstreamStream::outgoing(std::size_t most) {
  constexpr std::size_t tiny = 256;
  Http2Outgoing next;
  next.size = std::min(most, outbox_.size());
  next.end = ended_ && next.size == outbox_.size();
  deferred_ = next.size == 0 && !next.end;
  if (next.size == most && most < tiny) connection_->sent_tiny_frame();
  if (next.end) {
    next.trailers = trailers_;
    end_given_ = true;
  }
  return next;
}

void Http2UpstreamStream::on_sent(std::size_t bytes, bool fields) {
  bytes_sent_ += bytes;
  if (fields) head_sent_ = true;
  if (!fields && connection_) connection_->sent_data();
  if (drained() && !closed_) wake();
}

Http2UpstreamStream& Http2UpstreamStreamPool::take() {
  if (kept_.empty()) return *new Http2UpstreamStream(*this, limits_);
  Http2UpstreamStream* const stream = kept_.back().release();
  kept_.pop_back();
  return *stream;
}

void Http2UpstreamStreamPool::give_back(Http2UpstreamStream& stream) {
  std::unique_ptr<Http2UpstreamStream> owned(&stream);
  owned->stop();
  if (kept_.size() < max_kept) kept_.push_back(std::move(owned));
}

}  // namespace fairlead

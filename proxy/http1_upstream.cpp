#include "proxy/http1_upstream.hpp"

#include "proxy/http1_request_head.hpp"
#include "proxy/upstream_pool.hpp"

namespace fairlead {
namespace {

BodyFraming framing_of(BodyKind body) {
  switch (body) {
    case BodyKind::none:
      return BodyFraming::none;
    case BodyKind::chunked:
      return BodyFraming::chunked;
    default:
      return BodyFraming::as_is;
  }
}

}  // namespace

// Only ever queued while idle: the upstream closed, broke, or spoke out of turn; or the idle time is over.
void Http1Upstream::run() {
  if (is_quiet() && !idle_deadline.expired()) return;
  pool_.drop(*this);  // destroys this
}

// TLS may have something to say that is not for HTTP, such as a session ticket.
bool Http1Upstream::is_quiet() {
  if (stream->socket().peer_closed || !input.empty()) return false;
  if (!stream->socket().readable && !stream->has_buffered()) return true;
  return input.fill(*stream) == io_blocked;
}

// What is counted is of one Exchange.
void Http1Upstream::keep() {
  taken_before_ = output.bytes_taken();
  body_.start(BodyKind::none, 0);
  pool_.give_back(Http1UpstreamPtr(this));
}

void Http1Upstream::start(const Exchange& exchange) {
  TextBuffer& text = output.text();
  const std::size_t begin = text.size();
  write_http1_request_head(text, exchange);
  output.add(text.since(begin));
  framer_.start(framing_of(exchange.framing.body));
  ++requests;
}

HeadState Http1Upstream::read_head(Exchange& exchange, ResponseHead& head, ResponseFraming& framing) {
  if (input.empty()) return read_more();
  const HeadBounds bounds{limits_.max_response_head_bytes, limits_.max_response_head_bytes};
  HeadError error = HeadError::none;
  const std::size_t size = find_head(input.unread(), bounds, scan_, error);
  if (error != HeadError::none) {
    const bool too_long = error == HeadError::head_too_large || error == HeadError::line_too_long;
    return fail(AttemptFailure::invalid_response, describe(error), too_long ? "max_response_head_bytes" : "");
  }
  if (size == 0) return read_more();
  error = parse_response_head(input.unread().substr(0, size), exchange.response_fields, head);
  if (error != HeadError::none) {
    const bool too_many = error == HeadError::too_many_fields;
    return fail(AttemptFailure::invalid_response, describe(error), too_many ? "max_header_count" : "");
  }
  input.consume(size);
  scan_ = {};
  if (head.status < 200) return HeadState::arrived;
  const FramingError bad = frame_response(head, exchange.request.method, framing);
  if (bad != FramingError::none) return fail(AttemptFailure::invalid_response, describe(bad));
  body_.start(framing.body, framing.length);
  return HeadState::arrived;
}

HeadState Http1Upstream::read_more() {
  const IoCount count = input.fill(*stream);
  if (count == io_blocked) return HeadState::blocked;
  if (count > 0) return HeadState::moved;
  return fail(AttemptFailure::closed_before_response,
              count == io_end ? "the upstream closed the connection" : "the connection to the upstream broke");
}

HeadState Http1Upstream::fail(AttemptFailure failure, std::string_view reason, std::string_view limit) {
  fault_ = {failure, reason, limit};
  return HeadState::failed;
}

void Http1Upstream::start_raw(std::size_t most) {
  body_.start_raw(most);
  framer_.start(BodyFraming::as_is);
}

}  // namespace fairlead

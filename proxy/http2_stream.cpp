#include "proxy/http2_stream.hpp"

#include "proxy/exchange_finisher.hpp"
#include "proxy/http1_head.hpp"
#include "proxy/http2_connection.hpp"

namespace fairlead {

Http2Stream::Http2Stream(WorkerContext& worker)
    : Session(worker.readiness),
      worker_(worker),
      head_(worker.limits),
      body_(worker.limits),
      response_(worker.readiness, worker.date, worker.options.server_header) {}

void Http2Stream::start(Http2Connection& connection, std::int32_t id) {
  connection_ = &connection;
  id_ = id;
  arrived_ = worker_.readiness.now_precise();
}

void Http2Stream::stop() {
  rest();
  Http2ReadyHook::unlink();
  Http2RoomHook::unlink();
  task_ = {};
  head_.clear();
  body_.stop();
  response_.stop();
  head_complete_ = has_body_ = end_arrived_ = began_ = false;
  usable_ = true;
  malformed_ = {};
  connection_ = nullptr;
}

void Http2Stream::run() {
  if (!connection_) return;  // old news: it rests in the pool
  if (!began_ && head_complete_ && !is_closed()) {
    began_ = true;
    task_ = serve();
    task_.start();
  } else {
    resume();
  }
  connection_->ran(*this);
}

// Parsed by the same rules as any other head: what it was turned into is a whole HTTP/1.1 head.
int Http2Stream::understand(Exchange& exchange, std::string_view& limit) {
  exchange.over_http2 = true;
  if (const int refusal = head_.complete(worker_.balancer.random(), limit); refusal != 0) return refusal;
  if (parse_request_head(head_.text(), exchange.request_fields, exchange.request) != HeadError::none) return 400;
  const FramingError bad = frame_request(exchange.request, exchange.framing);
  if (bad != FramingError::none) return status_of(bad);
  // The end of the stream says where the body ends; Content-Length, where there is one, was seen to agree.
  if (has_body_ && !head_.is_tunnel() && exchange.framing.body == BodyKind::none &&
      !exchange.request.fields.find(FieldName::content_length)) {
    exchange.framing.body = BodyKind::chunked;
  }
  return 0;
}

Task<void> Http2Stream::serve() {
  const ExchangePool::Pointer exchange = worker_.exchanges.take();
  prepare(*exchange, worker_, connection_->address());
  exchange->started = arrived_;
  exchange->record.request_length = head_.received();
  std::string_view limit;
  const int refusal = understand(*exchange, limit);
  body_.start(connection_->session(), id_, head_.is_tunnel());
  response_.start(*connection_, id_, exchange->request.method, head_.is_tunnel());
  ClientSide client{*this, worker_, *exchange, body_, response_};
  ExchangeFinisher finisher(client);
  if (refusal != 0) {
    refuse(client, refusal, limit);
  } else {
    usable_ = co_await fairlead::serve(client, connection_->address().server_name);
  }
  if (usable_ || response_.ended()) usable_ = co_await drain(*exchange);
  if (head_.is_tunnel() && response_.head_sent()) exchange->record.status = response_.status();
  finisher.now();
}

// Until the client's windows and its socket have let all of the response go.
Task<bool> Http2Stream::drain(Exchange& exchange) {
  const LoopTime patience = worker_.limits.client_send_timeout;
  LoopTime last_moved = now();
  while (!response_.drained()) {
    const std::uint64_t before = response_.progress();
    if (!response_.flush()) co_return false;
    if (response_.progress() != before) last_moved = now();
    if (now() >= last_moved + patience) {
      exchange.record.limit = "client_send_timeout";
      co_return false;
    }
    co_await wait_until(last_moved + patience);
  }
  co_return true;
}

bool Http2Stream::must_be_reset(Http2Error& code) const {
  if (is_closed()) return false;
  if (response_.complete()) {
    code = Http2Error::no_error;  // RFC 9113 8.1: the rest of the request is not wanted
    return !end_arrived_;
  }
  code = head_.is_tunnel() || !response_.head_sent() ? Http2Error::cancel : Http2Error::internal_error;
  return true;
}

void Http2Stream::on_field(std::string_view name, std::string_view value) {
  if (head_complete_) {
    body_.trailer(name, value);
  } else {
    head_.field(name, value);
  }
}

void Http2Stream::on_fields_end(bool ends_stream) {
  if (!head_complete_) has_body_ = !ends_stream;
  head_complete_ = true;
}

void Http2Stream::on_data(std::string_view piece) {
  body_.arrived(piece);
  connection_->ready(*this);
}

void Http2Stream::on_end() {
  end_arrived_ = true;
  body_.end_arrived();
  connection_->ready(*this);
}

void Http2Stream::on_closed(Http2Error, bool) {
  response_.closed();
  body_.cut(malformed_);
  connection_->ready(*this);
}

Http2Outgoing Http2Stream::outgoing(std::size_t most) {
  constexpr std::size_t tiny = 256;
  const Http2Outgoing next = response_.outgoing(most);
  if (next.size == most && most < tiny) connection_->sent_tiny_frame();
  return next;
}

void Http2Stream::on_sent(std::size_t bytes, bool fields) {
  response_.sent(bytes, fields);
  connection_->ready(*this);
  if (!fields) connection_->sent_data();
}

Http2Stream& Http2StreamPool::take(WorkerContext& worker) {
  if (kept_.empty()) return *new Http2Stream(worker);
  Http2Stream* const stream = kept_.back().release();
  kept_.pop_back();
  return *stream;
}

void Http2StreamPool::give_back(Http2Stream& stream) {
  std::unique_ptr<Http2Stream> owned(&stream);
  owned->stop();
  if (kept_.size() < max_kept) kept_.push_back(std::move(owned));
}

}  // namespace fairlead

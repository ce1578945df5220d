#include "proxy/http1_connection.hpp"

#include <algorithm>

#include "proxy/forward.hpp"
#include "proxy/serve.hpp"

namespace fairlead {
namespace {

constexpr std::string_view http2_preface_head = "PRI * HTTP/2.0\r\n\r\n";

// RFC 9112 2.2: empty lines before a request line are skipped; these many.
constexpr int max_empty_lines = 4;

// Room for the longest thing that must be whole to be understood, and for the requests behind the one being served.
std::size_t read_ahead(const Limits& limits) {
  constexpr std::size_t chunk_size_line = 32;
  return std::max({limits.max_pipelined_bytes, limits.max_request_head_bytes, limits.max_trailer_bytes + 2,
                   limits.max_chunk_extension_bytes + chunk_size_line});
}

int status_of(HeadError error) {
  switch (error) {
    case HeadError::line_too_long:
      return 414;
    case HeadError::head_too_large:
    case HeadError::too_many_fields:
      return 431;
    case HeadError::unknown_version:
      return 505;
    default:
      return 400;
  }
}

std::string_view limit_of(HeadError error) {
  switch (error) {
    case HeadError::line_too_long:
      return "max_request_line_bytes";
    case HeadError::head_too_large:
      return "max_request_head_bytes";
    case HeadError::too_many_fields:
      return "max_header_count";
    default:
      return {};
  }
}

}  // namespace

Http1Connection::Http1Connection(Session& session, WorkerContext& worker, Stream& stream, const ClientAddress& address)
    : session_(session),
      worker_(worker),
      stream_(stream),
      address_(address),
      input_(worker.scratch),
      phase_(worker.metrics.counters),
      since_(session.now()) {
  input_.hold_at_most(read_ahead(worker.limits));
}

Http1Connection::Turn::Turn(Http1Connection& of)
    : output(of.stream_, of.worker_.gather),
      body(of.worker_.limits, of.stream_, of.input_),
      response(output, of.input_, of.worker_.readiness, of.worker_.date, of.worker_.options.server_header) {}

Task<void> Http1Connection::run() {
  phase_.enter(Phase::waiting);
  for (;;) {
    HeadError error = HeadError::none;
    bool timed_out = false;
    HeadWait wait = look_for_head(error);
    while (wait == HeadWait::closed && !closed_ && !timed_out) {
      if (!read_more()) {
        if (closed_) break;
        if (input_.empty()) input_.release();
        timed_out = !co_await session_.wait_until(head_deadline()) && session_.now() >= head_deadline();
        if (timed_out && came_just_now()) timed_out = phase_.now() == Phase::reading;
      }
      wait = look_for_head(error);
    }
    if (wait == HeadWait::arrived) {
      if (requests_ == 0 && is_http2_preface()) {
        found_http2_ = true;
        break;
      }
      if (co_await serve_request()) continue;
    } else if (!closed_ && (wait == HeadWait::refused || phase_.now() == Phase::reading)) {
      co_await refuse_head(error, timed_out);
    } else if (!closed_) {
      end_idle(timed_out);
    }
    break;
  }
  phase_.enter(Phase::none);
}

void Http1Connection::end_idle(bool timed_out) {
  if (timed_out && !worker_.draining) worker_.metrics.counters.limit_hits.add("idle_timeout");
  stream_.shutdown_write();
}

// The preface's first lines read as a whole HTTP/1 head. Over TLS, HTTP/2 is agreed by ALPN or not at all.
bool Http1Connection::is_http2_preface() const {
  return empty_lines_ == 0 && head_size_ == http2_preface_head.size() && !address_.tls && worker_.options.http2 &&
         input_.unread().starts_with(http2_preface_head);
}

// closed stands for "not yet" here: run() reads more.
Http1Connection::HeadWait Http1Connection::look_for_head(HeadError& error) {
  while (empty_lines_ < max_empty_lines && input_.unread().starts_with("\r\n")) {
    input_.consume(2);
    ++empty_lines_;
    scan_ = {};
  }
  if (input_.empty()) return HeadWait::closed;
  if (phase_.now() == Phase::waiting) {
    phase_.enter(Phase::reading);
    since_ = session_.now();
    head_began_ = worker_.readiness.now_precise();
  }
  const HeadBounds bounds{worker_.limits.max_request_line_bytes, worker_.limits.max_request_head_bytes};
  head_size_ = find_head(input_.unread(), bounds, scan_, error);
  if (error != HeadError::none) return HeadWait::refused;
  return head_size_ > 0 ? HeadWait::arrived : HeadWait::closed;
}

LoopTime Http1Connection::head_deadline() const {
  if (phase_.now() == Phase::reading) return since_ + worker_.limits.header_timeout;
  const LoopTime patience = worker_.limits.idle_timeout;
  return since_ + (worker_.draining ? std::min(patience, worker_.limits.lingering_close) : patience);
}

// False when nothing came. Sets closed_ at the end of the connection.
bool Http1Connection::read_more() {
  const IoCount count = input_.fill(stream_);
  if (count == io_end || count == io_failed) closed_ = true;
  return count > 0;
}

// News of the socket may wait behind the passing of a deadline.
bool Http1Connection::came_just_now() {
  stream_.socket().readable = true;
  return read_more();
}

// Parses the head from memory of the Exchange: the scratch will be used by others before the response is there.
int Http1Connection::understand(Exchange& exchange, std::string_view& limit) {
  char* const kept = exchange.arena.text(head_size_);
  input_.unread().copy(kept, head_size_);
  input_.consume(head_size_);
  const HeadError error = parse_request_head({kept, head_size_}, exchange.request_fields, exchange.request);
  if (error != HeadError::none) {
    limit = limit_of(error);
    return status_of(error);
  }
  const FramingError bad = frame_request(exchange.request, exchange.framing);
  return bad == FramingError::none ? 0 : fairlead::status_of(bad);
}

// True when another request may follow.
Task<bool> Http1Connection::serve_request() {
  phase_.enter(Phase::writing);
  ++requests_;
  const ExchangePool::Pointer exchange = worker_.exchanges.take();
  prepare(*exchange, worker_, address_);
  exchange->started = head_began_;
  exchange->record.request_length = head_size_;
  std::string_view limit;
  const bool full = input_.room() == 0;
  const int refusal = understand(*exchange, limit);
  note_pipelined(*exchange, full);
  const bool used_up = requests_ >= worker_.limits.max_keepalive_requests;
  if (used_up) worker_.metrics.counters.limit_hits.add("max_keepalive_requests");
  const bool last = worker_.leaving || used_up;
  Turn turn(*this);
  turn.response.start(exchange->request.method, exchange->request.minor_version, exchange->framing.keep_alive && !last);
  ClientSide client{session_, worker_, *exchange, turn.body, turn.response};
  ExchangeFinisher finisher(client);
  bool usable = true;
  if (refusal != 0) {
    turn.body.start(BodyKind::none, 0);
    refuse(client, refusal, limit);
  } else {
    turn.body.start(exchange->framing.body, exchange->framing.length);
    if (!answered_here(client, address_.server_name)) usable = co_await forward(client);
  }
  if (usable && refusal == 0 && turn.another_may_follow()) {
    finisher.now();
    begin_waiting();
    co_return true;
  }
  co_return co_await finish_request(turn, finisher, usable, refusal != 0);
}

void Http1Connection::begin_waiting() {
  scan_ = {};
  empty_lines_ = 0;
  head_size_ = 0;
  since_ = session_.now();
  phase_.enter(Phase::waiting);
}

// full: no more could be read. Without a body, what is there are further requests.
void Http1Connection::note_pipelined(const Exchange& exchange, bool full) {
  if (full && exchange.framing.body == BodyKind::none) worker_.metrics.counters.limit_hits.add("max_pipelined_bytes");
}

Task<bool> Http1Connection::finish_request(Turn& turn, ExchangeFinisher& finisher, bool usable, bool refused) {
  if (usable && !turn.output.drained()) usable = co_await drain_output(turn.output, finisher.exchange());
  finisher.now();
  if (usable && turn.another_may_follow()) {
    begin_waiting();
    co_return true;
  }
  if (!usable && turn.response.is_open_ended()) {
    stream_.socket().reset_on_close();
    co_return false;
  }
  stream_.shutdown_write();
  const bool more_to_come = refused || !turn.body.ended() || !input_.empty();
  if (usable && more_to_come) co_await linger();
  co_return false;
}

// A head that cannot become one, or did not come in time.
Task<bool> Http1Connection::refuse_head(HeadError error, bool timed_out) {
  const ExchangePool::Pointer exchange = worker_.exchanges.take();
  prepare(*exchange, worker_, address_);
  exchange->started = head_began_;
  exchange->record.request_length = input_.unread().size();
  Turn turn(*this);
  turn.body.start(BodyKind::none, 0);
  turn.response.start(Method::get, 1, false);
  ClientSide client{session_, worker_, *exchange, turn.body, turn.response};
  ExchangeFinisher finisher(client);
  if (timed_out) {
    refuse(client, 408, "header_timeout");
  } else {
    refuse(client, status_of(error), limit_of(error));
  }
  co_return co_await finish_request(turn, finisher, true, true);
}

Task<bool> Http1Connection::drain_output(Output& output, Exchange& exchange) {
  LoopTime last_moved = session_.now();
  while (!output.drained()) {
    const std::uint64_t before = output.progress();
    if (!output.flush()) co_return false;
    if (output.drained()) break;
    if (output.progress() != before) last_moved = session_.now();
    if (!co_await session_.wait_until(last_moved + worker_.limits.client_send_timeout) &&
        session_.now() >= last_moved + worker_.limits.client_send_timeout) {
      exchange.record.limit = "client_send_timeout";
      co_return false;
    }
  }
  co_return true;
}

// Closing while bytes are unread would reset the connection, and could take the response with it: our side is ended,
// and we read and forget for a while (RFC 9112 9.6).
Task<void> Http1Connection::linger() {
  constexpr std::uint64_t most = 4 * 1024 * 1024;
  const LoopTime deadline = session_.now() + worker_.limits.lingering_close;
  std::uint64_t forgotten = 0;
  while (forgotten < most) {
    input_.consume(input_.unread().size());
    const IoCount count = input_.fill(stream_);
    if (count == io_end || count == io_failed) break;
    if (count > 0) {
      forgotten += static_cast<std::uint64_t>(count);
    } else if (!co_await session_.wait_until(deadline)) {
      worker_.metrics.counters.limit_hits.add("lingering_close");
      break;
    }
  }
}

}  // namespace fairlead

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

Http1Connection::Http1Connection(ClientLink& link)
    : link_(link), input_(link.worker().scratch), phase_(link.worker().metrics.counters), since_(link.now()) {
  input_.hold_at_most(read_ahead(link.worker().limits));
}

Http1Connection::Turn::Turn(Stream& stream, InputBuffer& input, WorkerContext& worker)
    : output(stream, worker.gather),
      body(worker.limits, stream, input),
      response(output, input, worker.readiness, worker.date, worker.options.server_header) {}

Task<void> Http1Connection::serve(ClientLink& link) {
  Http1Connection http1(link);
  http1.phase_.enter(Phase::waiting);
  for (;;) {
    HeadError error = HeadError::none;
    bool timed_out = false;
    HeadWait wait = http1.look_for_head(error);
    while (wait == HeadWait::closed && !http1.closed_ && !timed_out) {
      if (!http1.read_more()) {
        if (http1.closed_) break;
        if (http1.input_.empty()) http1.input_.release();
        timed_out = !co_await link.wait_until(http1.head_deadline()) && link.now() >= http1.head_deadline();
        if (timed_out && http1.came_just_now()) timed_out = http1.phase_.now() == Phase::reading;
      }
      wait = http1.look_for_head(error);
    }
    if (wait == HeadWait::arrived) {
      if (http1.requests_ == 0 && http1.is_http2_preface()) {
        link.go_on_as_http2(http1.input_.unread());
        break;
      }
      if (co_await http1.serve_request()) continue;
    } else if (!http1.closed_ && (wait == HeadWait::refused || http1.phase_.now() == Phase::reading)) {
      co_await http1.refuse_head(error, timed_out);
    } else if (!http1.closed_) {
      http1.end_idle(timed_out);
    }
    break;
  }
}

void Http1Connection::end_idle(bool timed_out) {
  if (timed_out && !link_.worker().draining) link_.worker().metrics.counters.limit_hits.add("idle_timeout");
  link_.stream().shutdown_write();
}

// The preface's first lines read as a whole HTTP/1 head. Over TLS, HTTP/2 is agreed by ALPN or not at all.
bool Http1Connection::is_http2_preface() const {
  return empty_lines_ == 0 && head_size_ == http2_preface_head.size() && !link_.address().tls &&
         link_.worker().options.http2 && input_.unread().starts_with(http2_preface_head);
}

// closed stands for "not yet" here: serve() reads more.
Http1Connection::HeadWait Http1Connection::look_for_head(HeadError& error) {
  while (empty_lines_ < max_empty_lines && input_.unread().starts_with("\r\n")) {
    input_.consume(2);
    ++empty_lines_;
    scan_ = {};
  }
  if (input_.empty()) return HeadWait::closed;
  if (phase_.now() == Phase::waiting) {
    phase_.enter(Phase::reading);
    since_ = link_.now();
    head_began_ = link_.readiness().now_precise();
  }
  const Limits& limits = link_.worker().limits;
  const HeadBounds bounds{limits.max_request_line_bytes, limits.max_request_head_bytes};
  head_size_ = find_head(input_.unread(), bounds, scan_, error);
  if (error != HeadError::none) return HeadWait::refused;
  return head_size_ > 0 ? HeadWait::arrived : HeadWait::closed;
}

LoopTime Http1Connection::head_deadline() const {
  const WorkerContext& worker = link_.worker();
  if (phase_.now() == Phase::reading) return since_ + worker.limits.header_timeout;
  const LoopTime patience = worker.limits.idle_timeout;
  return since_ + (worker.draining ? std::min(patience, worker.limits.lingering_close) : patience);
}

// False when nothing came. Sets closed_ at the end of the connection.
bool Http1Connection::read_more() {
  const IoCount count = input_.fill(link_.stream());
  if (count == io_end || count == io_failed) closed_ = true;
  return count > 0;
}

// News of the socket may wait behind the passing of a deadline.
bool Http1Connection::came_just_now() {
  link_.stream().socket().readable = true;
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
  WorkerContext& worker = link_.worker();
  phase_.enter(Phase::writing);
  ++requests_;
  const ExchangePool::Pointer exchange = worker.exchanges.take();
  prepare(*exchange, worker, link_.address());
  exchange->started = head_began_;
  exchange->record.request_length = head_size_;
  std::string_view limit;
  const bool full = input_.room() == 0;
  const int refusal = understand(*exchange, limit);
  note_pipelined(*exchange, full);
  const bool used_up = requests_ >= worker.limits.max_keepalive_requests;
  if (used_up) worker.metrics.counters.limit_hits.add("max_keepalive_requests");
  const bool last = worker.leaving || used_up;
  Turn turn(link_.stream(), input_, worker);
  turn.response.start(exchange->request.method, exchange->request.minor_version, exchange->framing.keep_alive && !last);
  ClientSide client{link_, worker, *exchange, turn.body, turn.response};
  ExchangeFinisher finisher(client);
  bool usable = true;
  if (refusal != 0) {
    turn.body.start(BodyKind::none, 0);
    refuse(client, refusal, limit);
  } else {
    turn.body.start(exchange->framing.body, exchange->framing.length);
    if (!answered_here(client, link_.address().server_name)) usable = co_await forward(client);
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
  since_ = link_.now();
  phase_.enter(Phase::waiting);
}

// full: no more could be read. Without a body, what is there are further requests.
void Http1Connection::note_pipelined(const Exchange& exchange, bool full) {
  if (full && exchange.framing.body == BodyKind::none)
    link_.worker().metrics.counters.limit_hits.add("max_pipelined_bytes");
}

Task<bool> Http1Connection::finish_request(Turn& turn, ExchangeFinisher& finisher, bool usable, bool refused) {
  if (usable && !turn.output.drained()) usable = co_await drain_output(turn.output, finisher.exchange());
  finisher.now();
  if (usable && turn.another_may_follow()) {
    begin_waiting();
    co_return true;
  }
  if (!usable && turn.response.is_open_ended()) {
    link_.stream().socket().reset_on_close();
    co_return false;
  }
  link_.stream().shutdown_write();
  const bool more_to_come = refused || !turn.body.ended() || !input_.empty();
  if (usable && more_to_come) co_await linger();
  co_return false;
}

// A head that cannot become one, or did not come in time.
Task<bool> Http1Connection::refuse_head(HeadError error, bool timed_out) {
  const ExchangePool::Pointer exchange = link_.worker().exchanges.take();
  prepare(*exchange, link_.worker(), link_.address());
  exchange->started = head_began_;
  exchange->record.request_length = input_.unread().size();
  Turn turn(link_.stream(), input_, link_.worker());
  turn.body.start(BodyKind::none, 0);
  turn.response.start(Method::get, 1, false);
  ClientSide client{link_, link_.worker(), *exchange, turn.body, turn.response};
  ExchangeFinisher finisher(client);
  if (timed_out) {
    refuse(client, 408, "header_timeout");
  } else {
    refuse(client, status_of(error), limit_of(error));
  }
  co_return co_await finish_request(turn, finisher, true, true);
}

Task<bool> Http1Connection::drain_output(Output& output, Exchange& exchange) {
  LoopTime last_moved = link_.now();
  while (!output.drained()) {
    const std::uint64_t before = output.progress();
    if (!output.flush()) co_return false;
    if (output.drained()) break;
    if (output.progress() != before) last_moved = link_.now();
    if (!co_await link_.wait_until(last_moved + link_.worker().limits.client_send_timeout) &&
        link_.now() >= last_moved + link_.worker().limits.client_send_timeout) {
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
  const LoopTime deadline = link_.now() + link_.worker().limits.lingering_close;
  std::uint64_t forgotten = 0;
  while (forgotten < most) {
    input_.consume(input_.unread().size());
    const IoCount count = input_.fill(link_.stream());
    if (count == io_end || count == io_failed) break;
    if (count > 0) {
      forgotten += static_cast<std::uint64_t>(count);
    } else if (!co_await link_.wait_until(deadline)) {
      link_.worker().metrics.counters.limit_hits.add("lingering_close");
      break;
    }
  }
}

}  // namespace fairlead

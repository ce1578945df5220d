#include "proxy/relay.hpp"

#include <algorithm>

#include "proxy/grpc_reply.hpp"
#include "proxy/policy_runner.hpp"
#include "proxy/websocket_key.hpp"
#include "router/hop_headers.hpp"

namespace fairlead {

Relay::Relay(ClientSide& client, UpstreamSide& upstream, AttemptRecord& record, bool may_pass_over)
    : client_(client),
      upstream_(upstream),
      upstream_body_(upstream.body()),
      record_(record),
      to_upstream_(client.worker.pipes),
      to_client_(client.worker.pipes),
      began_(client.worker.readiness.now_precise()),
      may_pass_over_(may_pass_over) {
  const LoopTime now = client.session.now();
  progress_ = {now, now, now, now};
}

Task<RelayEnd> Relay::run() {
  send_request();
  int moves = 0;
  while (!ended_) {
    const bool pushed = push_body();
    const bool pulled = !ended_ && pull_response();
    if (ended_) break;
    if (pushed || pulled) {
      if (++moves % moves_a_turn == 0) co_await client_.session.yield();
      continue;
    }
    if (client_.response.client_broke() || (request_done_ && client_.response.client_gone(retained_))) {
      end(RelayEnd::client_gone);
    } else if (!co_await client_.session.wait_until(deadline())) {
      time_out();
    }
  }
  co_return end_;
}

bool Relay::fail(AttemptFailure failure, std::string_view reason) {
  failure_ = failure;
  reason_ = reason;
  return end(head_done_ ? RelayEnd::cut : RelayEnd::failed);
}

bool Relay::reusable() const {
  return framing_.keep_alive && request_done_ && !upstream_broken_ && upstream_drained_ &&
         !client_.exchange.framing.upgrade;
}

// The head, and as much of the body as is there already, in one call. A small body of a request that may be repeated is
// not consumed until the upstream has begun to answer.
void Relay::send_request() {
  std::string_view piece;
  const BodyState state = client_.body.pull(piece, false);
  if (state == BodyState::failed) {
    fail_request_body();
    return;
  }
  if (state != BodyState::data) piece = {};
  if (too_large(piece.size())) {
    end(RelayEnd::body_too_large);
    return;
  }
  upstream_.start(client_.exchange);
  upstream_.data(piece);
  const bool whole = !piece.empty() && client_.body.ends_with(piece.size());
  if (state == BodyState::end || whole) finish_request();
  send_upstream();
  if (upstream_broken_ && !request_bytes_sent()) {
    const UpstreamFault& fault = upstream_.fault();
    fail(fault.failure, fault.reason.empty() ? "the connection to the upstream took no bytes" : fault.reason);
    return;
  }
  if (whole && (upstream_.may_refuse() || settings().next_upstream.non_idempotent ||
                is_idempotent(client_.exchange.request.method))) {
    retained_ = piece.size();
  } else if (!piece.empty()) {
    client_.body.consume(piece.size());
    body_consumed_ = true;
  }
}

void Relay::send_upstream() {
  if (!upstream_.send()) upstream_broken_ = true;
  note_upstream();
}

void Relay::note_upstream() {
  upstream_drained_ = upstream_.drained() && to_upstream_.empty();
}

void Relay::finish_request() {
  upstream_.end(client_.body.trailers());
  request_done_ = true;
  progress_.upstream_read = client_.session.now();
}

bool Relay::too_large(std::size_t more) const {
  const std::uint64_t most = settings().max_body_bytes;
  return most > 0 && client_.body.received() + more > most;
}

// As far as it takes what it was given.
void Relay::flush_upstream() {
  const std::uint64_t before = upstream_.progress();
  if (!upstream_.flush() || !to_upstream_.empty_into(upstream_)) upstream_broken_ = true;
  note_upstream();
  if (upstream_.progress() != before) progress_.upstream_write = client_.session.now();
  if (upstream_broken_ || !upstream_drained_) return;
  // Neither side was asked until now.
  progress_.client_read = progress_.upstream_read = client_.session.now();
}

// Request body towards the upstream. True when bytes moved, or the Relay ended.
bool Relay::push_body() {
  if (upstream_broken_) return false;
  if (!upstream_drained_) {
    flush_upstream();
    if (upstream_broken_ || !upstream_drained_) return false;
  }
  if (request_done_) return false;
  if (client_.exchange.framing.length >= SpliceLane::least_body && to_upstream_.ready(client_.body, upstream_)) {
    return splice_request();
  }
  std::string_view piece;
  switch (client_.body.pull(piece, true)) {
    case BodyState::data:
      return take_body_piece(piece);
    case BodyState::blocked:
      return false;
    case BodyState::end:
      finish_request();
      send_upstream();
      return true;
    case BodyState::failed:
      return fail_request_body();
  }
  return false;
}

// As push_body(), for a part of the body that nobody needs to see.
bool Relay::splice_request() {
  const IoCount count = to_upstream_.fill_from(client_.body);
  if (count == io_blocked) {
    to_upstream_.push(upstream_);
    return false;
  }
  if (count == io_refused) return true;
  if (count <= 0) return fail_request_body();
  progress_.client_read = progress_.upstream_write = client_.session.now();
  body_consumed_ = true;
  if (!to_upstream_.empty_into(upstream_)) upstream_broken_ = true;
  note_upstream();
  return true;
}

bool Relay::take_body_piece(std::string_view piece) {
  if (too_large(piece.size())) return end(RelayEnd::body_too_large);
  const LoopTime now = client_.session.now();
  progress_.client_read = progress_.upstream_write = now;
  body_consumed_ = true;
  // Pieces that are there already leave in the same call.
  BodyState state = BodyState::data;
  while (state == BodyState::data) {
    upstream_.data(piece);
    client_.body.consume(piece.size());
    if (!upstream_.room()) break;
    state = client_.body.pull(piece, false);
    if (state == BodyState::data && too_large(piece.size())) break;
  }
  if (state == BodyState::end) finish_request();
  send_upstream();
  return true;
}

bool Relay::fail_request_body() {
  reason_ = client_.body.failure();
  limit_ = client_.body.limit();
  return end(head_done_ ? RelayEnd::client_gone : RelayEnd::body_malformed);
}

// Response towards the client. True when bytes moved, or the Relay ended. Nothing is read while the client has not
// taken what came before.
bool Relay::pull_response() {
  if (!flush_client()) return ended_;
  return head_done_ ? pull_body() : read_head();
}

bool Relay::read_head() {
  ResponseHead head;
  switch (upstream_.read_head(client_.exchange, head, framing_)) {
    case HeadState::blocked:
      return false;
    case HeadState::moved:
      progress_.upstream_read = client_.session.now();
      return true;
    case HeadState::arrived:
      progress_.upstream_read = client_.session.now();
      return head.status < 200 ? take_interim(head) : take_head(head);
    case HeadState::failed:
      break;
  }
  limit_ = upstream_.fault().limit;
  return fail(upstream_.fault().failure, upstream_.fault().reason);
}

bool Relay::take_head(const ResponseHead& head) {
  Exchange& exchange = client_.exchange;
  if (NominatedFields(head.fields).overflow()) {
    return fail(AttemptFailure::invalid_response, describe(FramingError::too_many_nominations));
  }
  record_.status = head.status;
  if (may_pass_over_ && passes_over(head)) {
    return fail(AttemptFailure::passed_over, "the answer is one that proxy-next-upstream sends elsewhere");
  }
  if (retained_ > 0) client_.body.consume(std::exchange(retained_, 0));
  head_done_ = true;
  exchange.record.status = head.status;
  if (exchange.record.grpc) note_grpc_status(exchange.record, head.fields);
  record_.header_time = client_.worker.readiness.now_precise() - began_;
  answers_grpc_ = exchange.record.grpc && is_grpc(head.fields) && framing_.body == BodyKind::chunked;
  run_on_response(exchange, head.status);
  if (client_.worker.leaving || rest_is_unwanted(head.status)) client_.response.close_after();
  client_.response.head(head, *exchange.response_edits, framing_.body, framing_.length);
  pull_body();
  return true;
}

// Only what can be sent again: of anything else this answer is the one there is.
bool Relay::passes_over(const ResponseHead& head) const {
  const NextUpstream& next = settings().next_upstream;
  return !body_consumed_ && request_done_ && (next.non_idempotent || is_idempotent(client_.exchange.request.method)) &&
         is_passed_over(head, client_.exchange.record.grpc, next);
}

// A final answer to a request that is not complete: an upstream that closes, that refuses, or that never said 100 to
// a client waiting for it will not take the rest, and what the client has begun to send cannot be followed by another
// request.
bool Relay::rest_is_unwanted(int status) const {
  if (request_done_) return false;
  return !framing_.keep_alive || status >= 400 || awaits_continue();
}

// The client holds its body back until somebody says 100: it is the upstream's turn.
bool Relay::awaits_continue() const {
  return client_.exchange.framing.expect_continue && !continued_ && !body_consumed_ && !request_done_;
}

// RFC 9110 7.8: only to a protocol that the client named, and only once the upstream has the whole request.
bool Relay::may_switch(const ResponseHead& head) const {
  const Exchange& exchange = client_.exchange;
  const std::string_view chosen = head.fields.value(FieldName::upgrade);
  return exchange.framing.upgrade && request_done_ && !chosen.empty() &&
         list_contains(exchange.request.fields.value(FieldName::upgrade), chosen);
}

bool Relay::switch_protocols(const ResponseHead& head) {
  Exchange& exchange = client_.exchange;
  if (!may_switch(head)) {
    return fail(AttemptFailure::invalid_response, "the upstream switched protocols without being asked");
  }
  if (exchange.over_http2 && !answers_websocket_key(exchange.request, head)) {
    return fail(AttemptFailure::invalid_response, "Sec-WebSocket-Accept of the upstream does not answer the key");
  }
  if (retained_ > 0) client_.body.consume(std::exchange(retained_, 0));
  record_.status = exchange.record.status = 101;
  record_.header_time = client_.worker.readiness.now_precise() - began_;
  head_done_ = true;
  run_on_response(exchange, 101);
  client_.response.switch_protocols(head, *exchange.response_edits);
  return client_.response.send() ? end(RelayEnd::switched) : end(RelayEnd::client_gone);
}

bool Relay::take_interim(const ResponseHead& head) {
  if (head.status == 101) return switch_protocols(head);
  if (head.status == 100) {
    continued_ = true;
    progress_.client_read = client_.session.now();  // it was not to send before
  }
  if (++interim_responses_ > client_.worker.limits.max_interim_responses) {
    limit_ = "max_interim_responses";
    return fail(AttemptFailure::invalid_response, "the upstream sent too many interim responses");
  }
  client_.response.interim(head);
  progress_.client_write = client_.session.now();
  if (!client_.response.send()) return end(RelayEnd::client_gone);
  return true;
}

bool Relay::flush_client() {
  if (client_drained()) return true;
  const std::uint64_t before = client_.response.progress();
  if (!client_.response.flush() || !to_client_.empty_into(client_.response)) return !end(RelayEnd::client_gone);
  if (client_.response.progress() != before) progress_.client_write = client_.session.now();
  if (!client_drained()) return false;
  progress_.upstream_read = client_.session.now();  // the upstream was not asked until now
  return true;
}

// Gathers what is there, the head included, and sends it in one call.
bool Relay::pull_body() {
  if (framing_.length >= SpliceLane::least_body && to_client_.ready(upstream_body_, client_.response)) {
    return splice_response();
  }
  std::string_view piece;
  bool gathered = false;
  BodyState state = upstream_body_.pull(piece, true);
  while (state == BodyState::data) {
    client_.response.data(piece);
    upstream_body_.consume(piece.size());
    gathered = true;
    if (!client_.response.room()) break;
    state = upstream_body_.pull(piece, false);
  }
  if (gathered) progress_.upstream_read = client_.session.now();
  if (state == BodyState::end) {
    if (client_.exchange.record.grpc) note_grpc_status(client_.exchange.record, upstream_body_.trailers());
    client_.response.end(upstream_body_.trailers());
  }
  progress_.client_write = client_.session.now();  // all was drained before
  if (!client_.response.send()) return end(RelayEnd::client_gone);
  if (state == BodyState::failed) {
    limit_ = upstream_body_.limit();
    return fail(AttemptFailure::closed_before_response, upstream_body_.failure());
  }
  if (state != BodyState::end) return gathered;
  record_.response_bytes = upstream_body_.received();
  return end(RelayEnd::complete);
}

// As pull_body(), for a part of the body that nobody needs to see.
bool Relay::splice_response() {
  const IoCount count = to_client_.fill_from(upstream_body_);
  if (count == io_blocked) {
    to_client_.push(client_.response);
    return false;
  }
  if (count == io_refused) return true;
  if (count <= 0) return fail(AttemptFailure::closed_before_response, upstream_body_.failure());
  progress_.upstream_read = progress_.client_write = client_.session.now();
  return to_client_.empty_into(client_.response) || end(RelayEnd::client_gone);
}

// While it takes the request, the upstream is not silent.
LoopTime Relay::last_upstream_sign() const {
  return std::max(progress_.upstream_read, progress_.upstream_write);
}

LoopTime Relay::deadline() const {
  LoopTime at = client_.exchange.deadline;
  const Limits& limits = client_.worker.limits;
  if (!upstream_drained_ && !upstream_broken_) {
    at = std::min(at, progress_.upstream_write + settings().send_timeout);
  } else if (!request_done_ && !upstream_broken_ && !awaits_continue()) {
    at = std::min(at, progress_.client_read + limits.body_timeout);
  }
  if (!client_drained()) {
    at = std::min(at, progress_.client_write + limits.client_send_timeout);
  } else if (((request_done_ || awaits_continue()) && upstream_drained_) || head_done_ || upstream_broken_) {
    at = std::min(at, last_upstream_sign() + settings().read_timeout);
  }
  return at;
}

void Relay::time_out() {
  const LoopTime now = client_.session.now();
  // Their bytes may have moved, though nobody told this Session.
  if (!client_drained()) flush_client();
  if (!ended_ && !upstream_drained_) flush_upstream();
  if (ended_ || deadline() > now) return;
  const Limits& limits = client_.worker.limits;
  if (now >= client_.exchange.deadline) {
    fail(AttemptFailure::read_timeout, "the client's grpc-timeout passed");
  } else if (!client_drained() && now >= progress_.client_write + limits.client_send_timeout) {
    limit_ = "client_send_timeout";
    end(RelayEnd::client_gone);
  } else if (!upstream_drained_ && !upstream_broken_ && now >= progress_.upstream_write + settings().send_timeout) {
    fail(AttemptFailure::read_timeout, "the upstream took no bytes for proxy-send-timeout");
  } else if (!request_done_ && !upstream_broken_ && !awaits_continue() && upstream_drained_ &&
             now >= progress_.client_read + limits.body_timeout) {
    limit_ = "body_timeout";
    end(RelayEnd::client_timeout);
  } else {
    fail(AttemptFailure::read_timeout, "the upstream sent nothing for proxy-read-timeout");
  }
}

}  // namespace fairlead

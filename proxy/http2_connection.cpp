#include "proxy/http2_connection.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead {
namespace {

constexpr int reads_a_turn = 8;            // before what they brought is passed on, and others get a turn
constexpr LoopTime rests_after{500};       // without streams: then memory is given back that a request would need again
constexpr std::size_t max_queued = 1'000;  // frames that wait for the socket, before we stop reading

Http2Settings settings_of(const Limits& limits) {
  Http2Settings settings;
  settings.max_concurrent_streams = limits.http2_max_concurrent_streams;
  settings.stream_window = static_cast<std::uint32_t>(limits.http2_stream_window_bytes);
  settings.max_header_list = static_cast<std::uint32_t>(limits.max_request_head_bytes);
  return settings;
}

// Resets of ours that answer what the client did, and so count as its own (CVE-2025-8671).
bool is_clients_fault(Http2Error code) {
  switch (code) {
    case Http2Error::no_error:
    case Http2Error::internal_error:
    case Http2Error::cancel:
      return false;
    default:
      return true;
  }
}

// nghttp2 does not look at PRIORITY frames once they were declined. RFC 9113 6.3, and RFC 7540 5.3.1: a stream does not
// depend on itself.
bool is_sound_priority(const Http2FrameHead& head, std::string_view payload) {
  if (head.stream == 0) return false;
  return payload.size() < 4 || Http2FrameHead::stream_at(payload.data()) != head.stream;
}

}  // namespace

Http2Connection::Http2Connection(Session& session, WorkerContext& worker, Stream& stream, const ClientAddress& address)
    : session_(session),
      worker_(worker),
      stream_(stream),
      address_(address),
      input_(worker.scratch),
      output_(stream, worker.gather),
      http2_(worker.http2.library(), *this, settings_of(worker.limits)),
      floods_(worker.limits),
      phase_(worker.metrics.counters),
      idle_since_(session.now()),
      head_since_(session.now()),
      sent_at_(session.now()) {}

Http2Connection::~Http2Connection() {
  broken_ = true;
  while (!streams_.empty()) {
    Http2Stream& stream = streams_.front();
    streams_.pop_front();
    http2_.forget(stream.id());
    worker_.http2.streams().give_back(stream);
  }
}

Http2Fields& Http2Connection::fields() {
  return worker_.http2.library().fields;
}

Task<void> Http2Connection::run(std::string early) {
  phase_.enter(Phase::reading);
  worker_.metrics.counters.http2_connections.add();
  driving_ = true;
  if (!http2_.receive(early)) broken_ = true;
  std::string().swap(early);
  while (turn()) {
    driving_ = false;
    if (moved_) {
      co_await session_.yield();
    } else {
      const bool news = co_await session_.wait_until(deadline());
      if (!news && timed_out()) break;
    }
    driving_ = true;
  }
  driving_ = true;
  co_await close();
}

// False when the connection is at its end.
bool Http2Connection::turn() {
  moved_ = receive();
  if (must_end()) drain_step();
  do {
    run_ready();
    flush_now();
  } while (any_ready() && !broken_);
  if (input_.empty()) input_.release();
  phase_.enter(!streams_.empty() ? Phase::writing : idle() && settled_ ? Phase::waiting : Phase::reading);
  return !finished();
}

// A connection that has served nobody yet is let be while it can: its client would only come again.
bool Http2Connection::must_end() const {
  return worker_.draining || (worker_.leaving && requests_ > 0) || requests_ >= worker_.limits.max_keepalive_requests;
}

bool Http2Connection::finished() const {
  return broken_ || ended_ || (output_.drained() && http2_.over()) ||
         (last_stream_named_ && streams_.empty() && output_.drained() && !http2_.wants_write());
}

// True when there may be more.
bool Http2Connection::receive() {
  for (int reads = 0; reads < reads_a_turn; ++reads) {
    if (broken_ || ended_ || naming_ || (!output_.drained() && http2_.queued_frames() > max_queued)) return false;
    const IoCount count = input_.fill(stream_);
    if (count == io_blocked) return false;
    if (count == io_end) {
      ended_ = true;
    } else if (count == io_failed) {
      broken_ = true;
    } else {
      if (!http2_.receive(input_.unread())) broken_ = true;
      input_.consume(input_.unread().size());
    }
  }
  return true;
}

// A stream that waits for room is ready when nobody else is and there is some: one at a time, since it may take it.
bool Http2Connection::any_ready() {
  if (!ready_.empty()) return true;
  for (Http2Stream& stream : waiting_) {
    if (!has_room(stream.id())) continue;
    stream.Http2RoomHook::unlink();
    ready(stream);
    return true;
  }
  return false;
}

// From half of the limit on, only what leaves at once is taken: a stream that the client does not read stalls no other
// that it does.
bool Http2Connection::has_room(std::int32_t stream) const {
  const std::size_t most = worker_.limits.http2_max_unsent_bytes;
  if (unsent_ < most / 2) return true;
  return unsent_ < most && output_.drained() && http2_.window_open(stream);
}

void Http2Connection::wait_for_room(std::int32_t id) {
  auto* const stream = static_cast<Http2Stream*>(http2_.channel(id));
  if (!stream || stream->Http2RoomHook::is_linked()) return;
  if (waiting_.empty()) worker_.metrics.counters.limit_hits.add("http2_max_unsent_bytes");
  waiting_.push_back(*stream);
}

void Http2Connection::run_ready() {
  while (any_ready()) {
    Http2Stream& stream = ready_.front();
    ready_.pop_front();
    stream.run();
  }
}

void Http2Connection::ready(Http2Stream& stream) {
  if (!stream.Http2ReadyHook::is_linked()) ready_.push_back(stream);
}

void Http2Connection::ran(Http2Stream& stream) {
  if (stream.done()) {
    Http2Error code = Http2Error::no_error;
    if (stream.must_be_reset(code)) http2_.reset(stream.id(), code);
    http2_.forget(stream.id());
    streams_.erase(streams_.iterator_to(stream));
    worker_.http2.streams().give_back(stream);
    if (streams_.empty()) idle_since_ = session_.now();
  }
  flush_later();
}

void Http2Connection::flush_later() {
  if (!driving_) worker_.readiness.queue_last(session_);
}

// As much as the socket takes.
void Http2Connection::flush_now() {
  if (broken_) return;
  if (!output_.drained() && !output_.flush()) broken_ = true;
  bool more = true;
  while (more && !broken_ && output_.drained() && http2_.wants_write()) {
    more = http2_.gather(output_);
    naming_ = false;  // GOAWAY goes before any DATA
    if (!output_.send() || http2_.broken()) broken_ = true;
  }
  note_progress();
}

void Http2Connection::note_progress() {
  if (output_.drained() || output_.progress() != sent_bytes_) sent_at_ = session_.now();
  sent_bytes_ = output_.progress();
}

void Http2Connection::on_frame_begin(const Http2FrameHead& head, std::string_view payload) {
  const LoopTime now = session_.now();
  if (const std::string_view limit = floods_.frame(head, now); !limit.empty()) {
    too_much(limit);
    return;
  }
  if (head.type == Http2FrameType::headers && !in_head_) {
    in_head_ = true;
    head_since_ = now;
  }
  if (head.type == Http2FrameType::priority && !is_sound_priority(head, payload)) {
    http2_.terminate(Http2Error::protocol_error);
    return;
  }
  const bool by_client = head.stream % 2 == 1;
  if (head.type == Http2FrameType::headers && by_client && head.stream > closed_.last()) {
    closed_.opened(head.stream);
  } else if (by_client && head.stream <= closed_.last() && !http2_.channel(head.stream)) {
    on_late_frame(head);
  }
}

// RFC 9113 5.1: on a stream that is closed. Frames that may be on their way after a reset of ours are let pass; nghttp2
// ignores them, as it would the others.
void Http2Connection::on_late_frame(const Http2FrameHead& head) {
  const Http2ClosedStreams::How how = closed_.find(head.stream);
  if (head.type == Http2FrameType::headers) {
    if (how == Http2ClosedStreams::How::never_begun) http2_.terminate(Http2Error::protocol_error);
    if (how == Http2ClosedStreams::How::ended) http2_.terminate(Http2Error::stream_closed);
  } else if (head.type == Http2FrameType::data && how == Http2ClosedStreams::How::ended) {
    http2_.reset(head.stream, Http2Error::stream_closed);
  } else if (head.type == Http2FrameType::rst_stream) {
    closed_.reset_by_client(head.stream);
  }
}

void Http2Connection::on_frame(const Http2FrameHead& head, std::size_t payload) {
  switch (head.type) {
    case Http2FrameType::settings:
      settled_ = true;
      break;
    case Http2FrameType::headers:
      if (Http2Channel* const channel = http2_.channel(head.stream)) ready(static_cast<Http2Stream&>(*channel));
      break;
    case Http2FrameType::data:
      if (payload == 0 && !head.has(Http2FrameHead::end_stream)) {
        if (const auto limit = floods_.empty_data(session_.now()); !limit.empty()) too_much(limit);
      }
      break;
    case Http2FrameType::ping:
      answered_ping_ |= going_away_ && head.has(Http2FrameHead::ack);
      break;
    default:
      break;
  }
}

Http2Channel* Http2Connection::on_open(std::int32_t id) {
  if (streams_.empty()) idle_since_ = session_.now();
  rests_ = false;
  Http2Stream& stream = worker_.http2.streams().take(worker_);
  stream.start(*this, id);
  streams_.push_back(stream);
  if (++requests_ == worker_.limits.max_keepalive_requests) {
    worker_.metrics.counters.limit_hits.add("max_keepalive_requests");
  }
  return &stream;
}

void Http2Connection::on_malformed(std::int32_t stream, std::string_view why) {
  if (Http2Channel* const channel = http2_.channel(stream)) static_cast<Http2Stream*>(channel)->malformed(why);
}

void Http2Connection::on_reset_sent(std::int32_t stream, Http2Error code) {
  closed_.closed(stream, true);
  if (!is_clients_fault(code)) return;
  if (const std::string_view limit = floods_.reset(session_.now()); !limit.empty()) too_much(limit);
}

// By END_STREAM both ways, or by a reset: what we sent was noted before.
void Http2Connection::on_closed(std::int32_t stream) {
  closed_.closed(stream, false);
}

void Http2Connection::sent_tiny_frame() {
  if (const std::string_view limit = floods_.tiny_window(session_.now()); !limit.empty()) too_much(limit);
}

void Http2Connection::too_much(std::string_view limit) {
  if (http2_.terminated()) return;
  http2_.terminate(Http2Error::enhance_your_calm);
  worker_.metrics.counters.limit_hits.add(limit);
  if (!worker_.http2.pace().due(session_.now())) return;
  char address[IpAddress::max_text];
  worker_.shared.log.warning(fmt::format("HTTP/2: the connection of {} is closed with ENHANCE_YOUR_CALM, limit {}",
                                         std::string_view(address, address_.address.write(address)), limit));
}

// RFC 9113 6.8: first that this connection ends, with no stream refused; once the client must have heard of it, which
// stream was the last. A ping there and back says so, or the time that lingering_close gives it.
void Http2Connection::drain_step() {
  if (last_stream_named_ || http2_.terminated()) return;
  if (!going_away_) {
    going_away_ = true;
    announced_at_ = session_.now();
    http2_.announce_goaway();
    http2_.ping();
  } else if (answered_ping_ || session_.now() >= announced_at_ + worker_.limits.lingering_close) {
    last_stream_named_ = naming_ = true;  // what comes before it has left would be served, and yet not be named
    http2_.goaway();
  }
}

LoopTime Http2Connection::deadline() const {
  constexpr LoopTime long_time{3'600'000};
  const Limits& limits = worker_.limits;
  LoopTime at = session_.now() + long_time;
  if (!settled_ || in_head_) at = std::min(at, head_since_ + limits.header_timeout);
  if (!output_.drained()) at = std::min(at, sent_at_ + limits.client_send_timeout);
  if (idle() && settled_) at = std::min(at, idle_since_ + limits.idle_timeout);
  if (may_rest()) at = std::min(at, idle_since_ + rests_after);
  if (going_away_ && !last_stream_named_) at = std::min(at, announced_at_ + limits.lingering_close);
  return at;
}

// Whether one of the deadlines that end the connection has passed.
bool Http2Connection::timed_out() {
  const LoopTime now = session_.now();
  if (may_rest() && now >= idle_since_ + rests_after) {
    http2_.rest();
    rests_ = true;
  }
  const Limits& limits = worker_.limits;
  LimitHits& hits = worker_.metrics.counters.limit_hits;
  if ((!settled_ || in_head_) && now >= head_since_ + limits.header_timeout) {
    hits.add("header_timeout");
    http2_.terminate(Http2Error::enhance_your_calm);
    return true;
  }
  if (!output_.drained() && now >= sent_at_ + limits.client_send_timeout) {
    hits.add("client_send_timeout");
    return true;
  }
  if (idle() && settled_ && now >= idle_since_ + limits.idle_timeout) {
    hits.add("idle_timeout");
    http2_.goaway();
    return true;
  }
  return false;
}

// Ends our side and reads on for a while: closing while bytes are unread would reset the connection, and could take the
// last frames with it.
Task<void> Http2Connection::close() {
  constexpr std::uint64_t most = 4 * 1024 * 1024;
  const LoopTime deadline = session_.now() + worker_.limits.lingering_close;
  flush_now();
  bool in_time = true;
  while (in_time && !broken_ && !output_.drained()) {
    in_time = co_await session_.wait_until(deadline);
    flush_now();
  }
  if (broken_) co_return;
  stream_.shutdown_write();
  std::uint64_t forgotten = 0;
  while (!ended_ && forgotten < most) {
    input_.consume(input_.unread().size());
    const IoCount count = input_.fill(stream_);
    if (count == io_end || count == io_failed) break;
    if (count > 0) {
      forgotten += static_cast<std::uint64_t>(count);
    } else if (!co_await session_.wait_until(deadline)) {
      break;
    }
  }
}

}  // namespace fairlead

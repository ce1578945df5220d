#include "proxy/http2_upstream.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "proxy/http2_upstream_pool.hpp"

namespace fairlead {
namespace {

constexpr int reads_a_turn = 8;            // of up to one scratch buffer each, before others get a turn
constexpr LoopTime least_silence{1'000};   // that may be that of a dead peer
constexpr std::size_t max_queued = 1'000;  // frames that wait for the socket, before we stop reading

Http2Settings settings_of(const Limits& limits) {
  Http2Settings settings;
  settings.role = Http2Role::client;
  settings.stream_window = static_cast<std::uint32_t>(limits.http2_stream_window_bytes);
  settings.max_header_list = static_cast<std::uint32_t>(limits.max_response_head_bytes);
  return settings;
}

}  // namespace

Http2Upstream::Http2Upstream(Http2UpstreamPool& pool, WorkerContext& worker, std::shared_ptr<EndpointState> endpoint)
    : pool_(pool),
      worker_(worker),
      endpoint_(std::move(endpoint)),
      dial_(std::in_place, worker, *endpoint_, *this),
      input_(worker.scratch),
      floods_(worker.limits, worker.limits.max_response_head_bytes, "max_response_head_bytes"),
      deadline_(*this),
      sender_(*this),
      heard_at_(worker.readiness.now()),
      since_(worker.readiness.now()) {
  worker_.readiness.wake(*this);  // it may have failed already
}

Http2Upstream::~Http2Upstream() {
  broken_ = true;
  const UpstreamFault why = fault();
  while (!streams_.empty()) {
    Http2UpstreamStream& stream = streams_.front();
    streams_.pop_front();
    if (http2_ && stream.id() > 0) http2_->forget(stream.id());
    stream.detach(why);
  }
}

void Http2Upstream::run() {
  if (dial_ && !dial()) return;  // this may be gone
  if (closing_) {
    if (closed()) pool_.drop(*this);
    return;
  }
  const bool more = receive();
  look_at_deadlines();
  if (finished()) {
    start_closing();
    if (closed()) pool_.drop(*this);
    return;
  }
  flush_later();  // with what its streams have to say to what came
  if (more) worker_.readiness.queue(*this);
  set_deadline();
}

// False while there is no connection, or when there will be none.
bool Http2Upstream::dial() {
  const UpstreamDial::State state = dial_->step();
  if (state == UpstreamDial::State::failed) {
    fault_ = dial_->fault();
    pool_.drop(*this);
    return false;
  }
  if (state != UpstreamDial::State::done) return false;
  begin();
  return true;
}

void Http2Upstream::begin() {
  stream_ = dial_->take();
  dial_.reset();
  output_.emplace(*stream_, worker_.gather);
  http2_.emplace(worker_.http2.library(), *this, settings_of(worker_.limits));
  heard_at_ = since_ = worker_.readiness.now();
}

std::size_t Http2Upstream::room() const {
  if (!settled_ || !takes_streams_ || broken_ || ended_ || !http2_->may_request()) return 0;
  if (stream_->socket().peer_closed) return 0;
  const std::size_t most =
      std::min<std::size_t>(http2_->peer_max_streams(), worker_.limits.http2_upstream_max_concurrent_streams);
  return most - std::min(most, open_);
}

Http2UpstreamStream& Http2Upstream::open(Session& session) {
  Http2UpstreamStream& stream = pool_.streams().take();
  stream.open(*this, session);
  streams_.push_back(stream);
  ++open_;
  if (++requests_ >= worker_.limits.max_upstream_requests) {
    worker_.metrics.counters.limit_hits.add("max_upstream_requests");
    takes_streams_ = false;
  }
  set_deadline();
  return stream;
}

void Http2Upstream::release(Http2UpstreamStream& stream) {
  streams_.erase(streams_.iterator_to(stream));
  --open_;
  if (stream.id() > 0) {
    if (!stream.is_closed()) {
      http2_->reset(stream.id(), Http2Error::cancel);
      // Silence may be that of a dead peer: nobody else is to wait for it.
      if (heard_at_ < stream.opened_at() && worker_.readiness.now() > stream.opened_at() + least_silence)
        takes_streams_ = false;
    }
    http2_->forget(stream.id());
  }
  if (open_ == 0 && !pinged_) since_ = worker_.readiness.now();
  set_deadline();
  flush_later();
  pool_.room_at(*endpoint_);
}

void Http2Upstream::retire() {
  takes_streams_ = false;
  worker_.readiness.wake(*this);
}

Http2Fields& Http2Upstream::fields() {
  return worker_.http2.library().fields;
}

TextBuffer& Http2Upstream::head_text() {
  return pool_.head_text();
}

// True when there may be more.
bool Http2Upstream::receive() {
  for (int reads = 0; reads < reads_a_turn; ++reads) {
    if (broken_ || ended_ || (!output_->drained() && http2_->queued_frames() > max_queued)) return false;
    if (!stream_->socket().readable && !stream_->has_buffered()) return false;
    const IoCount count = input_.fill(*stream_);
    if (count == io_blocked) return false;
    if (count == io_end) {
      ended_ = true;
    } else if (count == io_failed) {
      break_off("the connection to the upstream broke");
    } else {
      heard_at_ = worker_.readiness.now();
      pinged_ = false;
      if (!http2_->receive(input_.unread())) break_off("the upstream broke the rules of HTTP/2");
      input_.consume(input_.unread().size());
      input_.release();
    }
  }
  return true;
}

void Http2Upstream::break_off(std::string_view reason) {
  broken_ = true;
  if (fault_.reason.empty()) fault_.reason = reason;
}

void Http2Upstream::flush_later() {
  worker_.readiness.queue_last(sender_);
}

// As much as the socket takes.
void Http2Upstream::flush_now() {
  if (broken_ || closing_) return;
  if (!output_->drained() && !output_->flush()) break_off("the connection to the upstream broke");
  bool more = true;
  while (more && !broken_ && output_->drained() && http2_->wants_write()) {
    more = http2_->gather(*output_);
    if (!output_->send() || http2_->broken()) break_off("the connection to the upstream broke");
  }
  if (finished()) worker_.readiness.wake(*this);
}

LoopTime Http2Upstream::due() const {
  const Limits& limits = worker_.limits;
  if (closing_) return since_ + limits.lingering_close;
  if (pinged_) return since_ + limits.http2_upstream_ping_timeout;
  if (open_ > 0) return heard_at_ + limits.http2_upstream_ping_interval;
  return since_ + limits.upstream_idle_timeout;
}

void Http2Upstream::set_deadline() {
  worker_.readiness.timers().set(deadline_, due());
}

void Http2Upstream::look_at_deadlines() {
  if (!deadline_.expired() || broken_ || worker_.readiness.now() < due()) return;
  LimitHits& hits = worker_.metrics.counters.limit_hits;
  if (pinged_) {
    hits.add("http2_upstream_ping_timeout");
    break_off("the upstream did not answer a PING for http2-upstream-ping-timeout");
  } else if (open_ > 0) {
    pinged_ = true;
    since_ = worker_.readiness.now();
    http2_->ping();
  } else {
    hits.add("upstream_idle_timeout");
    takes_streams_ = false;
  }
}

bool Http2Upstream::finished() const {
  return broken_ || ended_ || (output_->drained() && http2_->over()) || (!takes_streams_ && open_ == 0);
}

UpstreamFault Http2Upstream::fault() const {
  UpstreamFault told = fault_;
  if (!told.reason.empty()) return told;
  const bool by_us = http2_ && !ended_ && !broken_ && !going_away_ && !http2_->may_request();
  if (!settled_ && http2_) {
    told.reason = "the upstream does not speak HTTP/2";
  } else {
    told.reason = by_us ? "the upstream broke the rules of HTTP/2" : "the upstream closed the connection";
  }
  return told;
}

// Ends our side and reads on for a while: closing while bytes are unread would reset the connection, and could take
// GOAWAY with it.
void Http2Upstream::start_closing() {
  takes_streams_ = false;
  if (!broken_ && !ended_) {
    if (!http2_->terminated() && !http2_->over()) http2_->goaway();
    flush_now();
  }
  const UpstreamFault why = fault();
  while (!streams_.empty()) {
    Http2UpstreamStream& stream = streams_.front();
    streams_.pop_front();
    if (stream.id() > 0) http2_->forget(stream.id());
    stream.detach(why);
  }
  open_ = 0;
  closing_ = true;
  since_ = worker_.readiness.now();
  if (!broken_) stream_->shutdown_write();
}

bool Http2Upstream::closed() {
  if (broken_ || ended_ || worker_.readiness.now() >= due()) return true;
  IoCount count = 1;
  while (count > 0) {
    input_.consume(input_.unread().size());
    count = input_.fill(*stream_);
  }
  set_deadline();
  return count != io_blocked;
}

void Http2Upstream::on_frame_begin(const Http2FrameHead& head, std::string_view) {
  if (head.type == Http2FrameType::goaway) {
    going_away_ = true;
    takes_streams_ = false;
  }
  if (head.type == Http2FrameType::rst_stream) return;  // at most one of each stream that we opened
  if (const std::string_view limit = floods_.frame(head, worker_.readiness.now()); !limit.empty()) {
    too_much(limit);
  } else if (comes_too_late(head)) {
    http2_->terminate(Http2Error::stream_closed);
  }
}

// RFC 9113 5.1: on a stream that the upstream itself has ended. nghttp2 would ignore it.
bool Http2Upstream::comes_too_late(const Http2FrameHead& head) const {
  if (head.type != Http2FrameType::data && head.type != Http2FrameType::headers) return false;
  return !http2_->channel(head.stream) && closed_.find(head.stream) == Http2ClosedStreams::How::ended;
}

void Http2Upstream::on_frame(const Http2FrameHead& head, std::size_t payload) {
  if (head.type == Http2FrameType::settings && !head.has(Http2FrameHead::ack)) {
    settled_ = true;
    pool_.room_at(*endpoint_);
  } else if (head.type == Http2FrameType::data && payload == 0 && !head.has(Http2FrameHead::end_stream)) {
    const std::string_view limit = floods_.empty_data(worker_.readiness.now());
    if (!limit.empty()) too_much(limit);
  }
}

void Http2Upstream::on_malformed(std::int32_t id, std::string_view why) {
  if (id == 0) {
    if (fault_.reason.empty()) fault_.reason = "the upstream broke the rules of HTTP/2";
  } else if (Http2Channel* const channel = http2_->channel(id)) {
    static_cast<Http2UpstreamStream*>(channel)->malformed(why);
  }
}

void Http2Upstream::sent_tiny_frame() {
  const std::string_view limit = floods_.tiny_window(worker_.readiness.now());
  if (!limit.empty()) too_much(limit);
}

void Http2Upstream::too_much(std::string_view limit) {
  if (http2_->terminated()) return;
  if (open_ == 0) worker_.metrics.counters.limit_hits.add(limit);  // else its Exchanges tell
  fault_ = {AttemptFailure::invalid_response, "the upstream sent too many frames that serve nobody", limit};
  http2_->terminate(Http2Error::enhance_your_calm);
}

}  // namespace fairlead

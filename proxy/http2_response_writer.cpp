#include "proxy/http2_response_writer.hpp"

#include <algorithm>
#include <utility>

#include "proxy/response_fields.hpp"

namespace fairlead {
namespace {

// What is of the handshake with an HTTP/1.1 upstream alone (RFC 8441 5).
bool is_of_upgrade(std::string_view name) {
  return equal_ignoring_case(name, "sec-websocket-accept");
}

}  // namespace

void Http2ResponseWriter::start(Http2ClientLink& link, std::int32_t stream, Method method, bool tunnel) {
  link_ = &link;
  stream_ = stream;
  method_ = method;
  tunnel_ = tunnel;
}

void Http2ResponseWriter::stop() {
  outbox_.clear();
  note_held();
  trailers_.clear();
  head_sent_ = has_body_ = ended_ = end_given_ = deferred_ = closed_ = false;
  heads_waiting_ = 0;
  bytes_sent_ = body_bytes_ = progress_ = 0;
}

void Http2ResponseWriter::note_held() {
  if (closed_) return;
  const std::size_t now = outbox_.size();
  if (now != held_) link_->holds(static_cast<std::ptrdiff_t>(now) - static_cast<std::ptrdiff_t>(held_));
  held_ = now;
}

void Http2ResponseWriter::begin_fields(int status) {
  Http2Fields& fields = link_->fields();
  fields.clear();
  fields.add_number(":status", static_cast<std::uint64_t>(status));
}

void Http2ResponseWriter::copy_fields(const ResponseHead& head, const HeadEdits* edits, bool with_length) {
  Http2Fields& fields = link_->fields();
  const ResponseFieldFilter filter(head, edits, with_length);
  date_seen_ = server_seen_ = false;
  for (const Field& field : head.fields.list) {
    if (filter.drops(field) || (tunnel_ && is_of_upgrade(field.name))) continue;
    date_seen_ |= field.known == FieldName::date;
    fields.add(field.name, field.value);
  }
  if (!edits) return;
  for (const HeadEdits::Edit& edit : edits->list()) {
    if (edit.operation == HeadEdits::Operation::remove) continue;
    date_seen_ |= edit.known == FieldName::date;
    server_seen_ |= edit.known == FieldName::server;
    fields.add(edit.name, edit.value);
  }
}

// The fields are all there. has_body: the session will ask for it.
void Http2ResponseWriter::submit(bool has_body) {
  Http2Fields& fields = link_->fields();
  if (!date_seen_) {
    constexpr std::string_view name = "Date: ", line_end = "\r\n";
    std::string_view line = date_.at(clock_.wall_now());
    line.remove_prefix(name.size());
    line.remove_suffix(line_end.size());
    fields.add("date", line);
  }
  if (!server_.empty() && !server_seen_) fields.add("server", server_);
  head_sent_ = true;
  has_body_ = has_body;
  if (!has_body) ended_ = end_given_ = true;
  if (closed_) return;
  ++heads_waiting_;
  if (fields.overflow()) {
    link_->session().reset(stream_, Http2Error::internal_error);  // a head with a hole in it must not leave
  } else {
    link_->session().respond(stream_, fields, has_body);
  }
}

void Http2ResponseWriter::interim(const ResponseHead& head) {
  if (closed_) return;
  begin_fields(head.status);
  copy_fields(head, nullptr, false);
  ++heads_waiting_;
  link_->session().interim(stream_, link_->fields());
}

void Http2ResponseWriter::head(const ResponseHead& head, const HeadEdits& edits, BodyKind body, std::uint64_t length) {
  // An upstream that did not switch has not agreed to a tunnel.
  const bool refused_tunnel = tunnel_ && head.status >= 200 && head.status < 300;
  const int status = refused_tunnel ? 502 : head.status;
  status_ = status;
  begin_fields(status);
  const bool bodiless = method_ == Method::head || !may_have_body(status) || refused_tunnel;
  copy_fields(head, &edits, bodiless && status != 204 && !refused_tunnel);
  if (!bodiless && (body == BodyKind::length || body == BodyKind::none)) {
    link_->fields().add_number("content-length", length);
  }
  submit(!bodiless && body != BodyKind::none && !(body == BodyKind::length && length == 0));
}

void Http2ResponseWriter::switch_protocols(const ResponseHead& head, const HeadEdits& edits) {
  begin_fields(200);
  copy_fields(head, &edits, false);
  status_ = 200;
  submit(true);
}

void Http2ResponseWriter::data(std::string_view piece) {
  if (!has_body_ || closed_) return;
  body_bytes_ += piece.size();
  outbox_.add(piece);
  note_held();
}

void Http2ResponseWriter::end(std::string_view trailers) {
  if (!has_body_ || ended_) return;
  ended_ = true;
  trailers_ = trailers;
}

bool Http2ResponseWriter::send() {
  if (closed_) {
    outbox_.clear();
    return false;
  }
  if (deferred_ && (!outbox_.empty() || ended_ != end_given_)) {
    deferred_ = false;
    link_->session().resume(stream_);
  }
  if (outbox_.size() >= large) link_->flush_now();
  outbox_.keep();
  link_->flush_later();
  return !client_broke();
}

// What can leave leaves whenever the connection has news: here is only told what became of it.
bool Http2ResponseWriter::flush() {
  const bool waits_for_socket = outbox_.empty() || link_->session().window_open(stream_);
  progress_ = bytes_sent_ + (waits_for_socket ? link_->socket_progress() : 0);
  if (outbox_.empty() && waits_for_room()) {  // it is not this stream that the client is slow to take
    link_->wait_for_room(stream_);
    progress_ = link_->progress_of_all();
  }
  return !client_broke() || complete();
}

void Http2ResponseWriter::shutdown() {
  end({});
  send();
}

Http2Outgoing Http2ResponseWriter::outgoing(std::size_t most) {
  Http2Outgoing next;
  next.size = std::min(most, outbox_.size());
  next.end = ended_ && next.size == outbox_.size();
  deferred_ = next.size == 0 && !next.end;
  if (next.end) {
    next.trailers = trailers_;
    end_given_ = true;
  }
  return next;
}

void Http2ResponseWriter::give(std::size_t count, Output& output) {
  outbox_.give(count, output);
  note_held();
}

// What is left of the body is of no use, but what was given may not have been sent yet.
void Http2ResponseWriter::closed() {
  if (held_ > 0) link_->holds(-static_cast<std::ptrdiff_t>(std::exchange(held_, 0)));
  closed_ = true;
}

void Http2ResponseWriter::sent(std::size_t bytes, bool fields) {
  bytes_sent_ += bytes;
  if (fields && heads_waiting_ > 0) --heads_waiting_;
}

}  // namespace fairlead

#include "proxy/http1_response_writer.hpp"

#include "proxy/response_fields.hpp"

namespace fairlead {
void Http1ResponseWriter::start(Method method, std::uint8_t minor_version, bool keep_alive) {
  method_ = method;
  minor_version_ = minor_version;
  keep_alive_ = keep_alive;
  head_sent_ = ends_by_close_ = ended_ = false;
  framer_.start(BodyFraming::none);
  bytes_before_ = output().bytes_given();
}

void Http1ResponseWriter::status_line(const ResponseHead& head) {
  TextBuffer& text = output().text();
  text.literal("HTTP/1.1 ");
  text.append_number(static_cast<std::uint64_t>(head.status));
  text.literal(" ");
  text.append(head.reason);
  text.literal("\r\n");
}

// Runs of lines that pass unchanged are copied in one piece.
void Http1ResponseWriter::copy_fields(const ResponseHead& head, const HeadEdits* edits, bool with_length) {
  TextBuffer& text = output().text();
  const ResponseFieldFilter filter(head, edits, with_length);
  date_seen_ = server_seen_ = false;
  const char* run = nullptr;
  for (const Field& field : head.fields.list) {
    const bool dropped = filter.drops(field);
    if (field.known == FieldName::date && !dropped) date_seen_ = true;
    if (dropped && run) {
      text.append({run, static_cast<std::size_t>(field.name.data() - run)});
      run = nullptr;
    } else if (!dropped && !run) {
      run = field.name.data();
    }
  }
  if (run) text.append({run, static_cast<std::size_t>(head.fields.end - run)});
  if (!edits) return;
  for (const HeadEdits::Edit& edit : edits->list()) {
    if (edit.operation == HeadEdits::Operation::remove) continue;
    date_seen_ |= edit.known == FieldName::date;
    server_seen_ |= edit.known == FieldName::server;
    text.append(edit.name);
    text.literal(": ");
    text.append(edit.value);
    text.literal("\r\n");
  }
}

void Http1ResponseWriter::server_field() {
  if (server_.empty() || server_seen_) return;
  TextBuffer& text = output().text();
  text.literal("Server: ");
  text.append(server_);
  text.literal("\r\n");
}

void Http1ResponseWriter::framing_fields(BodyKind body, std::uint64_t length) {
  TextBuffer& text = output().text();
  const bool counted = body == BodyKind::length || body == BodyKind::none;
  if (counted) {
    framer_.start(body == BodyKind::length ? BodyFraming::as_is : BodyFraming::none);
    text.literal("Content-Length: ");
    text.append_number(length);
    text.literal("\r\n");
  } else if (minor_version_ == 1) {
    framer_.start(BodyFraming::chunked);
    text.literal("Transfer-Encoding: chunked\r\n");
  } else {
    framer_.start(BodyFraming::as_is);
    keep_alive_ = false;
    ends_by_close_ = true;
  }
}

void Http1ResponseWriter::interim(const ResponseHead& head) {
  if (minor_version_ == 0) return;  // RFC 9110 15.2: a 1xx is not sent to an HTTP/1.0 client
  TextBuffer& text = output().text();
  const std::size_t begin = text.size();
  status_line(head);
  copy_fields(head, nullptr, false);
  text.literal("\r\n");
  output().add(text.since(begin));
}

void Http1ResponseWriter::head(const ResponseHead& head, const HeadEdits& edits, BodyKind body, std::uint64_t length) {
  TextBuffer& text = output().text();
  const std::size_t begin = text.size();
  status_line(head);
  const bool bodiless = method_ == Method::head || !may_have_body(head.status);
  copy_fields(head, &edits, bodiless && head.status != 204);
  if (bodiless) {
    framer_.start(BodyFraming::none);
  } else {
    framing_fields(body, length);
  }
  if (!date_seen_) text.append(date_.at(clock_.wall_now()));
  server_field();
  if (!keep_alive_) {
    text.literal("Connection: close\r\n");
  } else if (minor_version_ == 0) {
    text.literal("Connection: keep-alive\r\n");
  }
  text.literal("\r\n");
  output().add(text.since(begin));
  head_sent_ = true;
}

void Http1ResponseWriter::switch_protocols(const ResponseHead& head, const HeadEdits& edits) {
  TextBuffer& text = output().text();
  const std::size_t begin = text.size();
  status_line(head);
  copy_fields(head, &edits, false);
  server_field();
  text.literal("Upgrade: ");
  text.append(head.fields.value(FieldName::upgrade));
  text.literal("\r\nConnection: Upgrade\r\n\r\n");
  output().add(text.since(begin));
  framer_.start(BodyFraming::as_is);
  keep_alive_ = false;
  head_sent_ = true;
}

// A client that has sent its next requests already is taken to wait for all answers, even if it ended its side.
bool Http1ResponseWriter::client_gone(std::size_t kept) {
  Stream& stream = output().stream();
  if (client_broke()) return true;
  if (!stream.socket().peer_closed || input_.unread().size() > kept || input_.room() == 0) return false;
  const IoCount count = input_.fill(stream);
  return count == io_end || count == io_failed;
}

}  // namespace fairlead

#include "proxy/http1_request_head.hpp"

#include "router/hop_headers.hpp"

namespace fairlead {
namespace {

void append_field(TextBuffer& text, std::string_view name, std::string_view value) {
  text.append(name);
  text.append(": ");
  text.append(value);
  text.append("\r\n");
}

bool is_ours(const Exchange& exchange, const Field& field) {
  switch (field.known) {
    case FieldName::host:
      return true;
    case FieldName::content_length:
      return exchange.framing.body == BodyKind::chunked;
    case FieldName::expect:
      return !exchange.framing.expect_continue;
    default:
      return is_hop_by_hop(field.known) || is_forwarded_field(field);
  }
}

// Runs of lines that pass unchanged are copied in one piece.
void copy_fields(TextBuffer& text, const Exchange& exchange) {
  const Fields& fields = exchange.request.fields;
  const NominatedFields nominated(fields);
  const HeadEdits& edits = *exchange.upstream_edits;
  const char* run = nullptr;
  for (const Field& field : fields.list) {
    const bool dropped = is_ours(exchange, field) || (!nominated.empty() && nominated.contains(field.name)) ||
                         (!edits.empty() && edits.drops(field));
    if (dropped && run) {
      text.append({run, static_cast<std::size_t>(field.name.data() - run)});
      run = nullptr;
    } else if (!dropped && !run) {
      run = field.name.data();
    }
  }
  if (run) text.append({run, static_cast<std::size_t>(fields.end - run)});
  for (const HeadEdits::Edit& edit : edits.list()) {
    if (edit.operation != HeadEdits::Operation::remove) append_field(text, edit.name, edit.value);
  }
}

void append_port(TextBuffer& text, const Exchange& exchange) {
  text.append("X-Forwarded-Port: ");
  if (exchange.client.forwarded_port.empty()) {
    text.append_number(exchange.local_port);
  } else {
    text.append(exchange.client.forwarded_port);
  }
  text.append("\r\n");
}

void append_originals(TextBuffer& text, const Fields& fields) {
  for (const Field& field : fields.list) {
    if (field.known == FieldName::x_forwarded_for) append_field(text, "X-Original-Forwarded-For", field.value);
    if (field.known == FieldName::x_forwarded_host) append_field(text, "X-Original-Forwarded-Host", field.value);
  }
}

void append_forwarded(TextBuffer& text, const Exchange& exchange) {
  char address[IpAddress::max_text];
  const std::string_view client(address, exchange.client.address.write(address));
  const std::string_view scheme = exchange.client.https ? "https" : "http";
  const std::string_view host =
      exchange.client.forwarded_host.empty() ? exchange.host_received : exchange.client.forwarded_host;
  append_field(text, "X-Request-ID", exchange.record.request_id);
  append_field(text, "X-Real-IP", client);
  append_field(text, "X-Forwarded-For", client);
  append_field(text, "X-Forwarded-Host", host);
  append_port(text, exchange);
  append_field(text, "X-Forwarded-Proto", scheme);
  append_field(text, "X-Forwarded-Scheme", scheme);
  append_field(text, "X-Scheme", scheme);
  append_originals(text, exchange.request.fields);
}

void append_framing(TextBuffer& text, const Exchange& exchange) {
  if (exchange.framing.body == BodyKind::chunked) text.append("Transfer-Encoding: chunked\r\n");
  if (exchange.framing.upgrade) {
    append_field(text, "Upgrade", exchange.request.fields.value(FieldName::upgrade));
    text.append("Connection: Upgrade\r\n");
  }
}

}  // namespace

void write_http1_request_head(TextBuffer& text, const Exchange& exchange) {
  text.append(exchange.request.method_text);
  text.append(" ");
  text.append(exchange.forward);
  text.append(" HTTP/1.1\r\n");
  append_field(text, "Host", exchange.host_received);
  copy_fields(text, exchange);
  append_forwarded(text, exchange);
  append_framing(text, exchange);
  text.append("\r\n");
}

}  // namespace fairlead

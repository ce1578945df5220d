#include "proxy/http1_request_head.hpp"

#include "router/hop_headers.hpp"

namespace fairlead {
namespace {

void append_field(TextBuffer& text, std::string_view name, std::string_view value) {
  text.append(name);
  text.literal(": ");
  text.append(value);
  text.literal("\r\n");
}

// A '_' in a name: many servers take it for '-', and so for another field (contract 3.1,
// enable-underscores-in-headers).
bool is_dropped(const Exchange& exchange, const Field& field) {
  switch (field.known) {
    case FieldName::other:
      if (field.name.find('_') != std::string_view::npos) return true;
      break;
    case FieldName::host:
      return true;
    case FieldName::content_length:
      return exchange.framing.body == BodyKind::chunked;
    case FieldName::expect:
      return !exchange.framing.expect_continue;
    default:
      break;
  }
  if (is_hop_by_hop(field.known) || is_forwarded_field(field)) return true;
  return !exchange.client.trusted && is_forwarding_claim(field);
}

// Runs of lines that pass unchanged are copied in one piece.
void copy_fields(TextBuffer& text, const Exchange& exchange) {
  const Fields& fields = exchange.request.fields;
  const NominatedFields nominated(fields);
  const HeadEdits& edits = *exchange.upstream_edits;
  const char* run = nullptr;
  for (const Field& field : fields.list) {
    const bool dropped = is_dropped(exchange, field) || (!nominated.empty() && nominated.contains(field.name)) ||
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

void append_originals(TextBuffer& text, const Fields& fields) {
  if (!fields.may_have(FieldName::x_forwarded_for) && !fields.may_have(FieldName::x_forwarded_host)) return;
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
  text.literal("X-Request-ID: ");
  text.append(exchange.record.request_id);
  text.literal("\r\nX-Real-IP: ");
  text.append(client);
  text.literal("\r\nX-Forwarded-For: ");
  text.append(client);
  text.literal("\r\nX-Forwarded-Host: ");
  text.append(host);
  text.literal("\r\nX-Forwarded-Port: ");
  if (exchange.client.forwarded_port.empty()) {
    text.append_number(exchange.local_port);
  } else {
    text.append(exchange.client.forwarded_port);
  }
  text.literal("\r\nX-Forwarded-Proto: ");
  text.append(scheme);
  text.literal("\r\nX-Forwarded-Scheme: ");
  text.append(scheme);
  text.literal("\r\nX-Scheme: ");
  text.append(scheme);
  text.literal("\r\n");
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
  text.literal(" ");
  text.append(exchange.forward);
  text.literal(" HTTP/1.1\r\nHost: ");
  text.append(exchange.host_received);
  text.literal("\r\n");
  copy_fields(text, exchange);
  append_forwarded(text, exchange);
  append_framing(text, exchange);
  text.literal("\r\n");
}

}  // namespace fairlead

#include "proxy/http2_request_fields.hpp"

#include <algorithm>

#include "proxy/http1_request_head.hpp"

namespace fairlead {
namespace {

std::string_view without_spaces(std::string_view value) {
  const std::size_t first = value.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return value.substr(first, value.find_last_not_of(" \t") + 1 - first);
}

bool asks_for_trailers(const Fields& fields) {
  return fields.may_have(FieldName::te) && std::any_of(fields.list.begin(), fields.list.end(), [](const Field& field) {
           return field.known == FieldName::te && list_contains(field.value, "trailers");
         });
}

// Of the head's lines: Host is :authority, and what frames an HTTP/1.1 message or is of its connection has no place
// here (RFC 9113 8.2.2).
void add_field(Http2Fields& fields, std::string_view name, std::string_view value, bool tunnel) {
  switch (field_name(name)) {
    case FieldName::host:
    case FieldName::connection:
    case FieldName::transfer_encoding:
    case FieldName::upgrade:
      return;
    case FieldName::authorization:
    case FieldName::cookie:
    case FieldName::x_request_id:
      fields.add_unindexed(name, value);
      return;
    case FieldName::content_length:
      if (!tunnel) fields.add(name, value);
      return;
    default:
      // Of the handshake with an HTTP/1.1 server alone (RFC 8441 5).
      if (!tunnel || !equal_ignoring_case(name, "sec-websocket-key")) fields.add(name, value);
  }
}

void add_lines(Http2Fields& fields, std::string_view lines, bool tunnel) {
  for (std::size_t end = lines.find("\r\n"); end != 0 && end != std::string_view::npos; end = lines.find("\r\n")) {
    const std::string_view line = lines.substr(0, end);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) {
      add_field(fields, line.substr(0, colon), without_spaces(line.substr(colon + 1)), tunnel);
    }
    lines.remove_prefix(end + 2);
  }
}

}  // namespace

void write_http2_request(Http2Fields& fields, TextBuffer& text, const Exchange& exchange, std::string_view scheme,
                         std::string_view protocol) {
  fields.clear();
  text.clear();
  write_http1_request_head(text, exchange);
  const bool tunnel = !protocol.empty();
  fields.add(":method", tunnel ? std::string_view("CONNECT") : exchange.request.method_text);
  if (tunnel) fields.add(":protocol", protocol);
  fields.add(":scheme", scheme);
  fields.add(":path", exchange.forward);
  fields.add(":authority", exchange.host_received);
  const std::string_view head = text.view();
  add_lines(fields, head.substr(std::min(head.size(), head.find("\r\n") + 2)), tunnel);
  if (asks_for_trailers(exchange.request.fields)) fields.add("te", "trailers");
}

}  // namespace fairlead

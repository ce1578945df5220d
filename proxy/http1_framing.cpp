#include "proxy/http1_framing.hpp"

#include <algorithm>
#include <charconv>

namespace fairlead {
namespace {

// What the fields of either kind of message say about framing and persistence.
struct FramingFields {
  const Field* length = nullptr;
  const Field* coding = nullptr;
  const Field* host = nullptr;
  bool several_lengths = false;
  bool several_codings = false;
  bool several_hosts = false;
  bool close = false;
  bool keep_alive = false;
  bool connection_upgrade = false;
  bool upgrade = false;        // one Upgrade field that may be passed on
  bool other_upgrade = false;  // one that may not
  bool expect_continue = false;
  bool unknown_expectation = false;
};

// Another version of HTTP, or TLS, must not begin behind our back: what it carries would pass unseen (h2c smuggling).
bool is_tunnel_protocol(std::string_view name) {
  constexpr std::size_t tls_or_http = 5;
  return !equal_ignoring_case(name, "h2c") && !equal_ignoring_case(name, "h2") &&
         !equal_ignoring_case(name.substr(0, tls_or_http), "HTTP/") &&
         !equal_ignoring_case(name.substr(0, tls_or_http - 1), "TLS/");
}

bool all_tunnel_protocols(std::string_view list) {
  bool any = false;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view name = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (!name.empty() && (name.front() == ' ' || name.front() == '\t')) name.remove_prefix(1);
    while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);
    if (name.empty() || !is_tunnel_protocol(name)) return false;
    any = true;
  }
  return any;
}

void note_connection(std::string_view list, FramingFields& found) {
  if (equals_token(list, "keep-alive")) {  // most often
    found.keep_alive = true;
    return;
  }
  found.close |= list_contains(list, "close");
  found.keep_alive |= list_contains(list, "keep-alive");
  found.connection_upgrade |= list_contains(list, "upgrade");
}

FramingFields collect(const Fields& fields) {
  FramingFields found;
  for (const Field& field : fields.list) {
    switch (field.known) {
      case FieldName::content_length:
        found.several_lengths |= found.length != nullptr;
        found.length = &field;
        break;
      case FieldName::transfer_encoding:
        found.several_codings |= found.coding != nullptr;
        found.coding = &field;
        break;
      case FieldName::host:
        found.several_hosts |= found.host != nullptr;
        found.host = &field;
        break;
      case FieldName::connection:
        note_connection(field.value, found);
        break;
      case FieldName::upgrade:
        (!found.upgrade && all_tunnel_protocols(field.value) ? found.upgrade : found.other_upgrade) = true;
        break;
      case FieldName::expect:
        (equal_ignoring_case(field.value, "100-continue") ? found.expect_continue : found.unknown_expectation) = true;
        break;
      default:
        break;
    }
  }
  return found;
}

FramingError parse_length(std::string_view text, std::uint64_t& length) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  const bool whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
  return whole && length <= INT64_MAX ? FramingError::none : FramingError::bad_length;
}

FramingError frame_body(const FramingFields& found, std::uint8_t minor_version, BodyKind& body, std::uint64_t& length) {
  if (found.coding) {
    if (found.length) return FramingError::length_and_coding;
    if (minor_version == 0) return FramingError::coding_in_http10;
    if (found.several_codings) return FramingError::bad_coding;
    if (!equal_ignoring_case(found.coding->value, "chunked")) {
      const bool chunked_too = list_contains(found.coding->value, "chunked") || found.coding->value.empty();
      return chunked_too ? FramingError::bad_coding : FramingError::unknown_coding;
    }
    body = BodyKind::chunked;
    return FramingError::none;
  }
  if (!found.length) return FramingError::none;
  if (found.several_lengths) return FramingError::several_lengths;
  if (const FramingError error = parse_length(found.length->value, length); error != FramingError::none) return error;
  body = length > 0 ? BodyKind::length : BodyKind::none;
  return FramingError::none;
}

}  // namespace

FramingError frame_request(const RequestHead& head, RequestFraming& framing) {
  const FramingFields found = collect(head.fields);
  framing = {};
  framing.keep_alive = head.minor_version == 1 ? !found.close : found.keep_alive && !found.close;
  const FramingError error = frame_body(found, head.minor_version, framing.body, framing.length);
  if (error != FramingError::none) return error;
  if (found.several_hosts) return FramingError::several_hosts;
  if (!found.host && head.minor_version == 1) return FramingError::missing_host;
  if (head.minor_version == 0) return FramingError::none;  // it knows neither Upgrade nor Expect
  framing.upgrade = found.connection_upgrade && found.upgrade && !found.other_upgrade;
  framing.expect_continue = found.expect_continue;
  return found.unknown_expectation ? FramingError::unknown_expectation : FramingError::none;
}

FramingError frame_response(const ResponseHead& head, Method request, ResponseFraming& framing) {
  const FramingFields found = collect(head.fields);
  framing = {};
  framing.keep_alive = head.minor_version == 1 ? !found.close : found.keep_alive && !found.close;
  framing.body = BodyKind::until_close;
  BodyKind declared = BodyKind::until_close;
  const FramingError error = frame_body(found, head.minor_version, declared, framing.length);
  if (error != FramingError::none) return error;
  const bool bodiless = request == Method::head || !may_have_body(head.status);
  if (bodiless) {
    framing.body = BodyKind::none;
    return FramingError::none;
  }
  framing.body = declared;
  if (declared == BodyKind::until_close) framing.keep_alive = false;
  return FramingError::none;
}

int status_of(FramingError error) {
  if (error == FramingError::unknown_coding) return 501;
  if (error == FramingError::unknown_expectation) return 417;
  return 400;
}

std::string_view describe(FramingError error) {
  switch (error) {
    case FramingError::none:
      return "no error";
    case FramingError::length_and_coding:
      return "Content-Length stands beside Transfer-Encoding";
    case FramingError::several_lengths:
      return "there is more than one Content-Length";
    case FramingError::bad_length:
      return "Content-Length is not a number";
    case FramingError::bad_coding:
      return "Transfer-Encoding is not exactly one chunked";
    case FramingError::unknown_coding:
      return "Transfer-Encoding names an unknown coding";
    case FramingError::coding_in_http10:
      return "an HTTP/1.0 message has a Transfer-Encoding";
    case FramingError::missing_host:
      return "Host is missing";
    case FramingError::several_hosts:
      return "there is more than one Host";
    case FramingError::too_many_nominations:
      return "Connection names too many fields";
    case FramingError::unknown_expectation:
      return "Expect asks for something unknown";
  }
  return "unknown";
}

}  // namespace fairlead

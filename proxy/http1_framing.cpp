#include "proxy/http1_framing.hpp"

#include <charconv>

namespace fairlead {
namespace {

// What the fields of either kind of message say about framing and persistence.
struct FramingFields {
  const Field* length = nullptr;
  const Field* coding = nullptr;
  const Field* host = nullptr;
  const Field* expect = nullptr;
  bool several_lengths = false;
  bool several_codings = false;
  bool several_hosts = false;
  bool close = false;
  bool keep_alive = false;
  bool connection_upgrade = false;
  bool has_upgrade = false;
};

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
        found.close |= list_contains(field.value, "close");
        found.keep_alive |= list_contains(field.value, "keep-alive");
        found.connection_upgrade |= list_contains(field.value, "upgrade");
        break;
      case FieldName::upgrade:
        found.has_upgrade = !field.value.empty();
        break;
      case FieldName::expect:
        found.expect = &field;
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
  framing.upgrade = found.connection_upgrade && found.has_upgrade && head.minor_version == 1;
  if (found.expect && head.minor_version == 1) {
    if (!equal_ignoring_case(found.expect->value, "100-continue")) return FramingError::unknown_expectation;
    framing.expect_continue = true;
  }
  return FramingError::none;
}

FramingError frame_response(const ResponseHead& head, Method request, ResponseFraming& framing) {
  const FramingFields found = collect(head.fields);
  framing = {};
  framing.keep_alive = head.minor_version == 1 ? !found.close : found.keep_alive && !found.close;
  framing.body = BodyKind::until_close;
  BodyKind declared = BodyKind::until_close;
  const FramingError error = frame_body(found, head.minor_version, declared, framing.length);
  if (error != FramingError::none) return error;
  const bool bodiless = request == Method::head || head.status < 200 || head.status == 204 || head.status == 304;
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

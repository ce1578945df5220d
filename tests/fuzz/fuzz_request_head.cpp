// A request head that is accepted has one reading: written out again, it is the same request with the same framing.
#include "proxy/http1_framing.hpp"
#include "tests/fuzz/head_input.hpp"

namespace fairlead {
namespace {

void require_sound_framing(const RequestHead& head, const RequestFraming& framing) {
  std::size_t lengths = 0;
  std::size_t codings = 0;
  std::size_t hosts = 0;
  for (const Field& field : head.fields.list) {
    lengths += field.known == FieldName::content_length;
    codings += field.known == FieldName::transfer_encoding;
    hosts += field.known == FieldName::host;
  }
  require(lengths + codings <= 1, "one field at most says how long the body is");
  require((framing.body == BodyKind::chunked) == (codings == 1), "a body is chunked if and only if the head says so");
  require(framing.body != BodyKind::length || (lengths == 1 && framing.length > 0), "a length comes from its field");
  require(framing.body != BodyKind::until_close, "no request ends with the connection");
  require(hosts <= 1 && (hosts == 1 || head.minor_version == 0), "HTTP/1.1 has one Host");
  require(codings == 0 || head.minor_version == 1, "HTTP/1.0 has no coding");
}

}  // namespace
}  // namespace fairlead

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace fairlead;
  const FuzzInput input(data, size);
  HeadError error = HeadError::none;
  const std::string bytes(input.bytes.substr(0, find_fuzzed_head(input, error)));
  if (bytes.empty()) return 0;
  std::vector<Field> storage;
  storage.reserve(fuzz_max_fields);
  RequestHead head;
  if (parse_request_head(bytes, storage, head) != HeadError::none) return 0;
  require_sound_fields(bytes, head.fields);
  const auto invisible = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; };
  require(!head.target.empty() && std::none_of(head.target.begin(), head.target.end(), invisible), "a target is text");

  RequestFraming framing;
  const FramingError refused = frame_request(head, framing);
  if (refused == FramingError::none) require_sound_framing(head, framing);

  std::string again(head.method_text);
  again.append(" ").append(head.target).append(head.minor_version ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
  again += written(head.fields);
  std::vector<Field> storage_again;
  storage_again.reserve(fuzz_max_fields);
  RequestHead head_again;
  require(parse_request_head(again, storage_again, head_again) == HeadError::none, "what is written is accepted");
  require_same_fields(head.fields, head_again.fields);
  require(head_again.target == head.target && head_again.method_text == head.method_text, "the request is the same");
  RequestFraming framing_again;
  require(frame_request(head_again, framing_again) == refused, "the verdict is the same");
  require(framing_again.body == framing.body && framing_again.length == framing.length, "the framing is the same");
  return 0;
}

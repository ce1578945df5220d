// A response head that is accepted has one reading: written out again, it is the same response with the same framing.
#include "proxy/http1_framing.hpp"
#include "tests/fuzz/head_input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace fairlead;
  const FuzzInput input(data, size);
  HeadError error = HeadError::none;
  const std::string bytes(input.bytes.substr(0, find_fuzzed_head(input, error)));
  if (bytes.empty()) return 0;
  std::vector<Field> storage;
  storage.reserve(fuzz_max_fields);
  ResponseHead head;
  if (parse_response_head(bytes, storage, head) != HeadError::none) return 0;
  require_sound_fields(bytes, head.fields);
  require(head.status >= 100 && head.status <= 999, "a status has three digits");
  require(head.reason.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos, "a reason is one line");

  const Method method = input.seed & 1 ? Method::head : Method::get;
  ResponseFraming framing;
  const FramingError refused = frame_response(head, method, framing);
  const bool bodiless = method == Method::head || head.status < 200 || head.status == 204 || head.status == 304;
  if (refused == FramingError::none) {
    require(!bodiless || framing.body == BodyKind::none, "a response that has no body has none");
    require(framing.body != BodyKind::until_close || !framing.keep_alive, "what ends with the connection closes it");
  }

  std::string again = head.minor_version ? "HTTP/1.1 " : "HTTP/1.0 ";
  again.append(std::to_string(head.status)).append(" ").append(head.reason).append("\r\n");
  again += written(head.fields);
  std::vector<Field> storage_again;
  storage_again.reserve(fuzz_max_fields);
  ResponseHead head_again;
  require(parse_response_head(again, storage_again, head_again) == HeadError::none, "what is written is accepted");
  require_same_fields(head.fields, head_again.fields);
  require(head_again.status == head.status && head_again.reason == head.reason, "the response is the same");
  ResponseFraming framing_again;
  require(frame_response(head_again, method, framing_again) == refused, "the verdict is the same");
  require(framing_again.body == framing.body && framing_again.length == framing.length, "the framing is the same");
  return 0;
}

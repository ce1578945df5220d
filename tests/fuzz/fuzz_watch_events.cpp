// What an API server sends as a watch or a streamed list, whatever it is, gives the same changes however its bytes are
// dealt out.
#include "tests/fuzz/fuzz_input.hpp"
#include "watcher/reflector.hpp"

namespace fairlead {
namespace {

constexpr std::size_t max_line = 512;
constexpr std::string_view empty_list = R"({"kind":"IngressList","metadata":{"resourceVersion":"5"},"items":[]})";

std::string text_of(const Change& change) {
  std::string text = std::to_string(static_cast<int>(change.type)) + " " + change.name.ns + "/" + change.name.name;
  text += " " + change.object.dump();
  for (const nlohmann::json& object : change.objects) text += " " + object.dump();
  return text + "\n";
}

enum class As { streamed_list, watch };

// The changes that a streamed list, or a watch after an empty list, makes, and how it stands in the end.
std::string hear(std::string_view bytes, As what, Pieces* pieces) {
  ReflectorOptions options;
  options.max_event_bytes = max_line;
  options.streaming_lists = what == As::streamed_list;
  Resource ingresses;
  ingresses.collection = "/apis/networking.k8s.io/v1/ingresses";
  ingresses.plural = "ingresses";
  Reflector reflector(ingresses, options, 1);
  const Reflector::Time now{};
  require(reflector.next(now).has_value(), "a list is asked for first");
  if (what == As::watch) {
    reflector.on_head(200, now);
    reflector.on_bytes(empty_list, now);
    reflector.on_end({}, now);
    const auto watch = reflector.next(now);
    require(watch && watch->watch, "a watch follows the list");
  }
  reflector.on_head(200, now);
  bool going = true;
  while (going && !bytes.empty()) {
    const std::size_t count = pieces ? std::min(bytes.size(), pieces->next()) : bytes.size();
    going = reflector.on_bytes(bytes.substr(0, count), now);
    bytes.remove_prefix(count);
  }
  reflector.on_end({}, now);
  std::string heard;
  for (const Change& change : reflector.take_changes()) {
    const bool named = change.type == Change::Type::replace || !change.name.name.empty();
    require(named, "what changed has a name");
    heard += text_of(change);
  }
  if (reflector.trouble()) heard += "trouble " + reflector.trouble()->message;
  return heard + (reflector.listing() ? " lists again" : " goes on");
}

void require_sound_lines(std::string_view bytes, Pieces& pieces) {
  JsonLines whole(max_line);
  JsonLines dripping(max_line);
  std::vector<std::string> lines;
  std::vector<std::string> dripped;
  whole.append(bytes);
  while (const auto line = whole.next()) lines.emplace_back(*line);
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), pieces.next());
    dripping.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
    while (const auto line = dripping.next()) dripped.emplace_back(*line);
  }
  require(lines == dripped && whole.too_long() == dripping.too_long(), "the same bytes are the same lines");
  for (const std::string& line : lines) {
    require(!line.empty() && line.size() <= max_line && line.find('\n') == std::string::npos, "a line is a line");
    const auto parsed = parse_api_json(line);
    if (!parsed) continue;
    const auto again = parse_api_json(parsed->dump());
    require(again && *again == *parsed, "what is written is read back");
  }
}

}  // namespace
}  // namespace fairlead

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace fairlead;
  const FuzzInput input(data, size);
  Pieces pieces(input.seed);
  require_sound_lines(input.bytes, pieces);
  for (const As what : {As::streamed_list, As::watch}) {
    require(hear(input.bytes, what, &pieces) == hear(input.bytes, what, nullptr),
            "the same bytes make the same changes");
  }
  return 0;
}

// Whatever bytes an upstream sends to an HTTP/2 session of ours: no stream is told of after its end, data comes between
// its head and its end, and the heads that are made of it are whole.
#include <array>

#include "proxy/http1_head.hpp"
#include "proxy/http2_response_head.hpp"
#include "proxy/http2_session.hpp"
#include "proxy/plain_stream.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace fairlead {
namespace {

const Limits limits;

struct Asked final : Http2Channel {
  Http2ResponseHead head{limits};
  bool headed = false;
  bool ended = false;
  bool closed = false;
  std::size_t left = 10'000;  // of the request's body

  void on_field(std::string_view name, std::string_view value) override {
    require(!closed && !ended && !name.empty(), "a field");
    if (!headed) head.field(name, value);
  }
  void on_fields_end(bool) override {
    if (headed) return;
    headed = head.complete();
    std::vector<Field> fields;
    fields.reserve(limits.max_header_count);
    for (std::string_view text = head.next(); !text.empty(); text = head.next()) {
      ResponseHead parsed;
      const HeadError error = parse_response_head(text, fields, parsed);
      if (error == HeadError::bad_status_line) return;  // nghttp2 lets three digits of any kind through
      require(error == HeadError::none, "what nghttp2 lets through is a head");
      require((parsed.status >= 200) == headed, "the final head is the last one");
    }
  }
  void on_data(std::string_view) override { require(headed && !ended && !closed, "data between head and end"); }
  void on_end() override {
    require(headed && !ended, "one end, behind a head");
    ended = true;
  }
  void on_closed(Http2Error, bool) override {
    require(!closed, "a stream closes once");
    closed = true;
  }
  Http2Outgoing outgoing(std::size_t most) override {
    const std::size_t size = std::min(most, left);
    return {size, size == left};
  }
  void give(std::size_t count, Output& output) override {
    static const std::string bytes(16'384, 'b');
    output.add(std::string_view(bytes).substr(0, count));
    left -= count;
  }
  void on_sent(std::size_t, bool) override {}
};

class Owner final : public Http2SessionOwner {
 public:
  void on_frame_begin(const Http2FrameHead&, std::string_view) override {}
  void on_head_end() override {}
  void on_frame(const Http2FrameHead& head, std::size_t payload) override {
    require(payload <= head.length, "padding is not negative");
  }
  Http2Channel* on_open(std::int32_t) override {
    require(false, "an upstream opens no stream");
    return nullptr;
  }
  void on_malformed(std::int32_t, std::string_view) override {}
  void on_reset_sent(std::int32_t, Http2Error) override {}
  void on_closed(std::int32_t) override {}
};

void discard(GatherScratch& gather) {
  gather.count = gather.bytes = 0;
  gather.text.clear();
}

}  // namespace
}  // namespace fairlead

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace fairlead;
  static Http2Library library;
  static GatherScratch gather;
  discard(gather);
  Owner owner;
  PlainStream nowhere;  // not writable: everything is kept
  Output output(nowhere, gather);
  Http2Settings settings;
  settings.role = Http2Role::client;
  std::array<Asked, 4> streams;
  Http2Session session(library, owner, settings);
  session.receive(std::string_view("\0\0\0\4\0\0\0\0\0", 9));
  for (Asked& stream : streams) {
    library.fields.clear();
    for (const auto& [name, value] : {std::pair(":method", "POST"), {":scheme", "http"}, {":path", "/"}}) {
      library.fields.add(name, value);
    }
    session.request(stream, library.fields, &stream != streams.data());
  }
  session.gather(output);
  discard(gather);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t half = size / 2;
  for (const std::string_view part : {bytes.substr(0, half), bytes.substr(half)}) {
    if (!session.receive(part)) break;
    session.gather(output);
    discard(gather);
  }
  return 0;
}

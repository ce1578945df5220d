// Whatever bytes a client sends to an HTTP/2 session: what it answers are whole frames, and no stream is told of after
// its end.
#include <map>

#include "proxy/http2_closed_streams.hpp"
#include "proxy/http2_session.hpp"
#include "proxy/plain_stream.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace fairlead {
namespace {

struct Stream final : Http2Channel {
  bool closed = false;
  bool ended = false;
  bool headed = false;

  void on_field(std::string_view name, std::string_view) override { require(!closed && !name.empty(), "a field"); }
  void on_fields_end(bool) override { headed = true; }
  void on_data(std::string_view) override { require(headed && !ended && !closed, "data comes between head and end"); }
  void on_end() override { ended = true; }
  void on_closed(Http2Error, bool) override {
    require(!closed, "a stream closes once");
    closed = true;
  }
  Http2Outgoing outgoing(std::size_t) override { return {0, true}; }
  void give(std::size_t, Output&) override {}
  void on_sent(std::size_t, bool) override {}
};

class Owner final : public Http2SessionOwner {
 public:
  void on_frame_begin(const Http2FrameHead&, std::string_view) override {}
  void on_head_end() override {}
  void on_frame(const Http2FrameHead& head, std::size_t payload) override {
    require(payload <= head.length, "padding is not negative");
  }
  Http2Channel* on_open(std::int32_t id) override {
    require(streams.find(id) == streams.end(), "a stream opens once");
    return &streams[id];
  }
  void on_malformed(std::int32_t, std::string_view) override {}
  void on_reset_sent(std::int32_t, Http2Error) override {}
  void on_closed(std::int32_t) override {}

  std::map<std::int32_t, Stream> streams;
};

}  // namespace
}  // namespace fairlead

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace fairlead;
  static Http2Library library;
  static GatherScratch gather;
  gather.count = gather.bytes = 0;
  gather.text.clear();
  Owner owner;
  PlainStream nowhere;  // not writable: everything is kept
  Output output(nowhere, gather);
  Http2Session session(library, owner, {});
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  session.receive(Http2FrameScan::client_preface);
  session.receive(std::string_view("\0\0\0\4\0\0\0\0\0", 9));
  const std::size_t half = size / 2;
  for (const std::string_view part : {bytes.substr(0, half), bytes.substr(half)}) {
    if (!session.receive(part)) break;
    for (auto& [id, stream] : owner.streams) {
      if (stream.closed || !stream.ended || id % 4 != 1) continue;
      library.fields.clear();
      library.fields.add(":status", "200");
      session.respond(id, library.fields, true);
    }
    session.gather(output);
    gather.count = gather.bytes = 0;
    gather.text.clear();
  }
  return 0;
}

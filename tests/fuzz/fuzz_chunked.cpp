// A chunked body gives the same, however its bytes are dealt out and its pieces are taken.
#include "proxy/http1_body_reader.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace fairlead {
namespace {

// Gives its bytes in pieces, then says that there will be no more.
class PieceStream final : public Stream {
 public:
  PieceStream(std::string_view bytes, Pieces* pieces) : rest_(bytes), pieces_(pieces) {}

  IoCount read(char* data, std::size_t size) override {
    const std::size_t count = rest_.copy(data, pieces_ ? std::min(size, pieces_->next()) : size);
    rest_.remove_prefix(count);
    return static_cast<IoCount>(count);
  }
  IoCount write(std::span<const iovec>, bool) override { return io_failed; }
  IoCount flush() override { return io_end; }
  void shutdown_write() override {}
  bool has_buffered() const override { return false; }
  Socket& socket() override { return socket_; }

  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  Pieces* pieces_;
  Socket socket_;
};

struct Decoded {
  BodyState state = BodyState::blocked;
  std::string body;
  std::string trailers;
  std::string failure;
  std::string rest;  // what was not taken

  bool operator==(const Decoded&) const = default;
};

Decoded decode(std::string_view bytes, Pieces* pieces, std::size_t max_trailer_bytes = 128) {
  Limits limits;
  limits.max_header_count = 8;
  limits.max_chunk_extension_bytes = 16;
  limits.max_trailer_bytes = max_trailer_bytes;
  PieceStream stream(bytes, pieces);
  ScratchBuffer scratch;
  InputBuffer input(scratch);
  Http1BodyReader reader(limits, stream, input);
  reader.start(BodyKind::chunked, 0);
  Decoded decoded;
  std::string_view piece;
  while ((decoded.state = reader.pull(piece, true)) == BodyState::data) {
    require(!piece.empty(), "a piece holds something");
    const std::size_t taken = pieces ? std::min(piece.size(), pieces->next()) : piece.size();
    decoded.body.append(piece.substr(0, taken));
    reader.consume(taken);
  }
  require(reader.received() == decoded.body.size(), "all that is received is counted");
  require(reader.ended() == (decoded.state == BodyState::end), "a body has ended when it says so");
  decoded.trailers = reader.trailers();
  decoded.failure = reader.failure();
  if (decoded.state == BodyState::end) decoded.rest = std::string(input.unread()) + std::string(stream.rest());
  return decoded;
}

// The plainest way to write what was read.
std::string encode(const Decoded& decoded) {
  std::string text;
  char line[24];
  if (!decoded.body.empty()) {
    std::snprintf(line, sizeof line, "%zx\r\n", decoded.body.size());
    text.append(line).append(decoded.body).append("\r\n");
  }
  return text + "0\r\n" + decoded.trailers + "\r\n" + decoded.rest;
}

}  // namespace
}  // namespace fairlead

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace fairlead;
  const FuzzInput input(data, std::min<std::size_t>(size, ScratchBuffer::size));
  const Decoded whole = decode(input.bytes, nullptr);
  Pieces pieces(input.seed);
  require(decode(input.bytes, &pieces) == whole, "the same bytes are the same body");
  require(whole.state == BodyState::end || whole.state == BodyState::failed, "a closed connection decides");
  if (whole.state == BodyState::failed) {
    require(!whole.failure.empty(), "a failure says why");
    return 0;
  }
  // Written out, a trailer may be longer by the space behind its colon.
  require(decode(encode(whole), nullptr, 256) == whole, "what is written is read back");
  return 0;
}

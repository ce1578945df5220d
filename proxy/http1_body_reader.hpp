#pragma once

#include <string>
#include <vector>

#include "proxy/body.hpp"
#include "proxy/http1_framing.hpp"
#include "proxy/http1_head.hpp"
#include "proxy/input_buffer.hpp"
#include "proxy/limits.hpp"

namespace fairlead {

// A body framed as RFC 9112 6 and 7 say, read from one connection.
class Http1BodyReader final : public BodyReader {
 public:
  Http1BodyReader(const Limits& limits, Stream& stream, InputBuffer& input)
      : limits_(limits), stream_(stream), input_(input) {}

  void start(BodyKind kind, std::uint64_t length);

  BodyState pull(std::string_view& piece, bool may_read) override;
  void consume(std::size_t count) override;
  bool ended() const override { return stage_ == Stage::done; }
  bool ends_with(std::size_t count) const override { return stage_ == Stage::length && left_ == count; }
  std::uint64_t received() const override { return received_; }
  std::string_view trailers() const override { return trailers_; }
  std::string_view failure() const override { return failure_; }
  std::string_view limit() const override { return limit_; }
  void start_raw(std::size_t most) override {
    start(BodyKind::until_close, 0);
    input_.hold_at_most(most);
  }
  bool can_splice() const override {
    return stage_ == Stage::length && left_ >= least_spliced && input_.empty() && stream_.can_splice();
  }
  IoCount splice_into(int pipe, std::size_t most) override;
  // Decoded bytes may follow that were not sent by the peer yet.
  bool failed() const { return stage_ == Stage::broken; }

 private:
  static constexpr std::uint64_t least_spliced = 32 * 1024;  // less is read in one call anyhow

  enum class Stage : std::uint8_t { length, until_close, chunk_size, chunk_data, chunk_end, trailers, done, broken };

  BodyState step(std::string_view& piece, bool may_read, bool& again);
  BodyState take_data(std::string_view& piece);
  BodyState read_more(bool may_read, bool& again);
  BodyState parse_chunk_size(bool may_read, bool& again);
  BodyState parse_chunk_end(bool may_read, bool& again);
  BodyState parse_trailers(bool may_read, bool& again);
  BodyState fail_reading(IoCount count);
  BodyState fail(std::string_view why, std::string_view limit = {});
  BodyState finish() {
    stage_ = Stage::done;
    return BodyState::end;
  }

  const Limits& limits_;
  Stream& stream_;
  InputBuffer& input_;
  Stage stage_ = Stage::done;
  std::uint64_t left_ = 0;  // of the body, or of the current chunk
  std::uint64_t received_ = 0;
  std::string trailers_;
  std::string_view failure_;
  std::string_view limit_;
};

}  // namespace fairlead

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/stream.hpp"

namespace fairlead {

// Text being put together, in memory that a Worker keeps for it. What does not fit is noticed, not written.
class TextBuffer {
 public:
  explicit TextBuffer(std::size_t capacity) : data_(std::make_unique<char[]>(capacity)), capacity_(capacity) {}

  void clear() {
    size_ = 0;
    overflow_ = false;
  }
  void append(std::string_view text) {
    if (overflow_ || text.size() > capacity_ - size_) {
      overflow_ = true;
      return;
    }
    text.copy(data_.get() + size_, text.size());
    size_ += text.size();
  }
  // Text known when compiling is copied without a call.
  template <std::size_t size>
  void literal(const char (&text)[size]) {
    if (overflow_ || size - 1 > capacity_ - size_) {
      overflow_ = true;
      return;
    }
    std::memcpy(data_.get() + size_, text, size - 1);
    size_ += size - 1;
  }
  void append_number(std::uint64_t number);
  void append_hex(std::uint64_t number);

  std::string_view view() const { return {data_.get(), size_}; }
  std::string_view since(std::size_t begin) const { return {data_.get() + begin, size_ - begin}; }
  std::size_t size() const { return size_; }
  std::size_t left() const { return capacity_ - size_; }
  bool overflow() const { return overflow_; }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t capacity_;
  std::size_t size_ = 0;
  bool overflow_ = false;
};

// What a Worker's Outputs share while one of them gathers: the pieces, and room for heads and chunk lines. Used between
// the first add and send() of one Output, never across a wait.
struct GatherScratch {
  static constexpr std::size_t max_pieces = 64;
  static constexpr std::size_t text_size = 96 * 1024;  // at least two of the largest heads

  std::array<iovec, max_pieces> pieces;
  std::size_t count = 0;
  std::size_t bytes = 0;
  TextBuffer text{text_size};
};

// The sending side of one connection: gathers pieces, gives them to the socket in one call, and keeps what it did not
// take.
class Output {
 public:
  Output(Stream& stream, GatherScratch& gather) : stream_(stream), gather_(gather) {}

  // Room for more pieces, and the lines that frame one of them, before send() must be called.
  bool room(std::size_t pieces) const {
    return gather_.count + pieces <= GatherScratch::max_pieces && gather_.text.left() >= framing_text;
  }
  void add(std::string_view piece);
  // Likewise; small pieces are copied next to what was added before them: one plain send costs less than a gathering
  // one.
  void add_body(std::string_view piece);
  TextBuffer& text() { return gather_.text; }
  // end_follows: these bytes are the last, as of Stream::write.
  bool send(bool end_follows = false);
  bool flush();
  // Bytes of a pipe, where stream().can_splice() and nothing is gathered or unsent.
  IoCount splice_from(int pipe, std::size_t count, bool more);
  bool idle() const { return gather_.count == 0 && drained(); }
  bool drained() const { return unsent_.empty() && !stream_unsent_; }
  std::uint64_t bytes_given() const { return bytes_given_; }  // added
  std::uint64_t bytes_taken() const { return bytes_taken_; }  // of these, those that the stream took
  // Grows with every byte that reaches the socket.
  std::uint64_t progress() const { return bytes_taken_ - std::min<std::uint64_t>(bytes_taken_, stream_.unsent()); }
  Stream& stream() const { return stream_; }

 private:
  static constexpr std::size_t copied_piece = 4 * 1024;
  static constexpr std::size_t framing_text = 64;  // more than a chunk's size line and the lines behind the chunk

  Stream& stream_;
  GatherScratch& gather_;
  std::string unsent_;
  std::uint64_t bytes_given_ = 0;
  std::uint64_t bytes_taken_ = 0;
  bool stream_unsent_ = false;  // the stream itself holds bytes (TLS records)
};

}  // namespace fairlead

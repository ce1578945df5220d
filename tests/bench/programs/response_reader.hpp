#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::bench {

// Reads one HTTP/1.1 response at a time and counts its body. Trusts the framing: what it reads comes from servers that
// are being measured, not from strangers. Every number it returns is checked against what was expected.
class ResponseReader {
 public:
  // Takes what belongs to this response and returns how many bytes that were.
  std::size_t take(std::string_view bytes);

  bool done() const { return state_ == State::done; }
  bool broken() const { return state_ == State::broken; }
  int status() const { return status_; }
  std::uint64_t body_bytes() const { return body_bytes_; }  // without chunk framing
  void reset() { *this = ResponseReader(); }

 private:
  enum class State { head, counted, chunk_size, chunk, chunk_end, trailers, done, broken };

  std::size_t take_head(std::string_view bytes);
  std::size_t take_line(std::string_view bytes);
  void read_head();
  void read_line();
  std::size_t take_counted(std::string_view bytes, State next);

  State state_ = State::head;
  std::string text_;  // of a head or a line that is not whole yet
  int status_ = 0;
  std::uint64_t left_ = 0;  // of a counted body, or of a chunk
  std::uint64_t body_bytes_ = 0;
};

}  // namespace fairlead::bench

#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/output.hpp"

namespace fairlead {

enum class BodyFraming : std::uint8_t {
  none,
  as_is,    // counted by Content-Length, ended by closing, or no HTTP any more
  chunked,  // RFC 9112 7.1
};

// Frames the body of one message at a time into an Output.
class Http1Framer {
 public:
  explicit Http1Framer(Output& output) : output_(output) {}

  void start(BodyFraming framing) {
    framing_ = framing;
    body_bytes_ = 0;
  }
  void data(std::string_view piece);
  void end(std::string_view trailers);

  bool can_splice() const { return framing_ == BodyFraming::as_is && output_.idle() && output_.stream().can_splice(); }
  IoCount splice_from(int pipe, std::size_t count, bool more) {
    const IoCount taken = output_.splice_from(pipe, count, more);
    if (taken > 0) body_bytes_ += static_cast<std::uint64_t>(taken);
    return taken;
  }

  BodyFraming framing() const { return framing_; }
  std::uint64_t body_bytes() const { return body_bytes_; }
  Output& output() { return output_; }
  const Output& output() const { return output_; }

 private:
  Output& output_;
  BodyFraming framing_ = BodyFraming::none;
  std::uint64_t body_bytes_ = 0;
};

}  // namespace fairlead

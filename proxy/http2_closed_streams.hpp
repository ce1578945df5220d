#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace fairlead {

// What is remembered of a client's streams that are over: enough to tell a frame that was on its way when we reset its
// stream from one that has no business there (RFC 9113 5.1).
class Http2ClosedStreams {
 public:
  static constexpr std::size_t remembered = 32;  // the last ones; what is older is not complained about

  enum class How : std::uint8_t {
    unknown,      // long ago, or refused
    never_begun,  // implicitly closed by a higher one (RFC 9113 5.1.1)
    reset_by_us,  // late frames are to be expected
    ended,        // by both sides, or reset by the client
  };

  // The client opens a stream, or tries to. Ids of which only some are used leave gaps.
  void opened(std::int32_t stream) {
    if (stream > last_ + 2) gaps_[gap_count_++ % gaps_.size()] = {last_ + 2, stream - 2};
    if (stream > last_) last_ = stream;
  }
  // Of a reset by us it is told first, and of the end then: what was told first is right.
  void closed(std::int32_t stream, bool reset_by_us) {
    if (!reset_by_us) {
      if (count_ > 0 && closed_[(count_ - 1) % remembered].stream == stream) return;
    } else {
      for (const Closed& known : closed_) {
        if (known.stream == stream) return;
      }
    }
    closed_[count_++ % remembered] = {stream, reset_by_us};
  }

  // The client reset it as well: after that it has nothing more to send on it.
  void reset_by_client(std::int32_t stream) {
    for (Closed& known : closed_) {
      if (known.stream == stream) known.reset_by_us = false;
    }
  }

  std::int32_t last() const { return last_; }
  How find(std::int32_t stream) const {
    for (const Closed& known : closed_) {
      if (known.stream == stream) return known.reset_by_us ? How::reset_by_us : How::ended;
    }
    for (const Gap& gap : gaps_) {
      if (stream >= gap.first && stream <= gap.last) return How::never_begun;
    }
    return How::unknown;
  }

 private:
  struct Closed {
    std::int32_t stream = 0;
    bool reset_by_us = false;
  };
  struct Gap {
    std::int32_t first = 0, last = -1;
  };

  std::int32_t last_ = -1;
  std::array<Closed, remembered> closed_{};
  std::size_t count_ = 0;
  std::array<Gap, 4> gaps_{};
  std::size_t gap_count_ = 0;
};

}  // namespace fairlead

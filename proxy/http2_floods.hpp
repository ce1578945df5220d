#pragma once

#include <string_view>

#include "proxy/http2_frame.hpp"
#include "proxy/limits.hpp"
#include "proxy/timer_wheel.hpp"

namespace fairlead {

// Counts what a peer does that costs us and serves nobody. Pure: each call says whether that was too much, as the
// name of the limit that was hit, or "".
class Http2Floods {
 public:
  // max_head: of one head in bytes; head_limit: the name of that limit.
  Http2Floods(const Limits& limits, std::size_t max_head, std::string_view head_limit)
      : limits_(limits), max_head_(max_head), head_limit_(head_limit) {}
  explicit Http2Floods(const Limits& limits)
      : Http2Floods(limits, limits.max_request_head_bytes, "max_request_head_bytes") {}

  // Any frame, as it begins.
  std::string_view frame(const Http2FrameHead& head, LoopTime now);
  // A DATA frame without data that does not end its stream, padding or not.
  std::string_view empty_data(LoopTime now) { return control(now); }
  // A DATA frame of ours, made so small by the client's window.
  std::string_view tiny_window(LoopTime now) { return control(now); }
  void data_sent();
  // A stream that was reset before it was answered: by the client (CVE-2023-44487), or by us for what the client did
  // (CVE-2025-8671).
  std::string_view reset(LoopTime now);

 private:
  // Within one http2_flood_interval.
  class Count {
   public:
    bool exceeds(std::uint32_t most, LoopTime now, LoopTime interval) {
      if (now >= began_ + interval) {
        began_ = now;
        count_ = 0;
      }
      return ++count_ > most;
    }

   private:
    LoopTime began_{0};
    std::uint32_t count_ = 0;
  };
  // Clients say what they read of each DATA frame, for the stream and for the connection.
  static constexpr std::uint32_t updates_a_frame = 4, most_update_credit = 1'000;

  std::string_view control(LoopTime now);

  const Limits& limits_;
  const std::size_t max_head_;
  const std::string_view head_limit_;
  Count control_, resets_;
  std::uint32_t update_credit_ = 0;
  std::uint32_t continuations_ = 0;
  std::size_t block_bytes_ = 0;  // of the header block being received, compressed
};

}  // namespace fairlead

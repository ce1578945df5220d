#pragma once

#include <utility>

#include "proxy/body.hpp"
#include "proxy/pipe_pool.hpp"

namespace fairlead {

// One direction of a Relay in which the kernel moves a large body from socket to socket by itself: its bytes are of a
// known number and leave as they came, so nobody needs to see them. Holds at most PipePool::capacity bytes.
class SpliceLane {
 public:
  // Bodies that are shorter, and the last part of longer ones, are copied: that costs less system calls.
  static constexpr std::uint64_t least_body = 64 * 1024;

  explicit SpliceLane(PipePool& pipes) : pipes_(pipes) {}
  ~SpliceLane() {
    if (pipe_) pipes_.give_back(pipe_, empty());
  }
  SpliceLane(const SpliceLane&) = delete;
  SpliceLane& operator=(const SpliceLane&) = delete;

  bool empty() const { return held_ == 0; }

  // Whether the next bytes can go this way. Both ends must have been brought to rest before: nothing read ahead,
  // nothing unsent.
  template <typename Writer>
  bool ready(const BodyReader& from, const Writer& to) {
    return from.can_splice() && to.can_splice() && have_pipe();
  }

  // Into the empty pipe. Like Stream::read; io_refused is for once: ready() will be false from then on.
  IoCount fill_from(BodyReader& from) {
    const IoCount count = from.splice_into(pipe_.write_end, PipePool::capacity);
    if (count > 0) held_ = static_cast<std::size_t>(count);
    if (count == io_refused) {
      pipes_.switch_off();
      pipes_.give_back(std::exchange(pipe_, Pipe{}), true);
    }
    return count;
  }

  // As far as the other side takes it. False when that connection is broken.
  template <typename Writer>
  bool empty_into(Writer& to) {
    while (held_ > 0) {
      const IoCount count = to.splice_from(pipe_.read_end, held_);
      if (count == io_blocked) return true;
      if (count <= 0) return false;
      held_ -= static_cast<std::size_t>(count);
    }
    return true;
  }

 private:
  bool have_pipe() {
    if (!pipe_) pipe_ = pipes_.take();
    return static_cast<bool>(pipe_);
  }

  PipePool& pipes_;
  Pipe pipe_;
  std::size_t held_ = 0;
};

}  // namespace fairlead

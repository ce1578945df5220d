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

  // So many bytes leave with the word that more will follow: the last of them, less than a segment, would be one of its
  // own otherwise. Where nothing follows at once, push() is needed, which is why fewer bytes leave without.
  static constexpr std::size_t least_followed = 128 * 1024;

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
    more_ = from.can_splice();
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
      const bool followed = more_ && held_ >= least_followed;
      const IoCount count = to.splice_from(pipe_.read_end, held_, followed);
      if (count == io_blocked) return true;
      if (count <= 0) return false;
      to_push_ = followed;
      held_ -= static_cast<std::size_t>(count);
    }
    return true;
  }

  // Nothing can be had now: what was to leave together with it must not wait.
  template <typename Writer>
  void push(Writer& to) {
    if (std::exchange(to_push_, false)) to.push();
  }

 private:
  bool have_pipe() {
    if (!pipe_) pipe_ = pipes_.take();
    return static_cast<bool>(pipe_);
  }

  PipePool& pipes_;
  Pipe pipe_;
  std::size_t held_ = 0;
  bool more_ = false;     // the body goes on this way behind what is held
  bool to_push_ = false;  // bytes may be waiting in the socket for more
};

}  // namespace fairlead

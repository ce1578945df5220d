#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string_view>

#include "proxy/readiness_set.hpp"

namespace fairlead {

// What a read or a write gave: a positive count, or one of these.
using IoCount = std::ptrdiff_t;
inline constexpr IoCount io_end = 0;       // reads only: the peer will send no more
inline constexpr IoCount io_blocked = -1;  // nothing now: wait for news of the socket
inline constexpr IoCount io_failed = -2;   // the connection is broken
inline constexpr IoCount io_refused = -3;  // splicing only: this system cannot

// A byte stream over one socket: plain or TLS. Never blocks, never waits. The one seam behind which the two differ.
class Stream {
 public:
  virtual ~Stream() = default;

  virtual IoCount read(char* data, std::size_t size) = 0;
  // Takes a prefix of the pieces, in order. At most max_write bytes are looked at in one call. end_follows: these are
  // the last, and shutdown_write() follows as soon as they are taken; they may wait for it, to leave in one packet.
  virtual IoCount write(std::span<const iovec> pieces, bool end_follows) = 0;
  // Bytes that write() took but the socket has not: io_end when there are none, io_blocked, or io_failed.
  virtual IoCount flush() = 0;
  // How many bytes flush() still has to do with.
  virtual std::size_t unsent() const { return 0; }
  // Says that no more will be written (FIN, or close_notify first).
  virtual void shutdown_write() = 0;
  // Whether bytes can be had that the socket no longer holds (TLS records already read).
  virtual bool has_buffered() const = 0;

  virtual Socket& socket() = 0;

  // Whether the bytes of the stream are those of the socket, so that the kernel can move them without us.
  virtual bool can_splice() const { return false; }
  // read() into, and write() out of, a pipe. Only where can_splice(). more: what does not fill a segment may wait for
  // the next bytes, until push(). The program must ignore SIGPIPE: there is no flag that keeps splice() from raising
  // it.
  virtual IoCount splice_into(int /*pipe*/, std::size_t /*most*/) { return io_refused; }
  virtual IoCount splice_from(int /*pipe*/, std::size_t /*count*/, bool /*more*/) { return io_refused; }
  // Lets go what waits for more, since that is not there yet.
  virtual void push() {}

  static constexpr std::size_t max_write = 128 * 1024;
};

}  // namespace fairlead

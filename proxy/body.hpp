#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/http1_framing.hpp"
#include "proxy/stream.hpp"
#include "router/head.hpp"

namespace fairlead {

enum class BodyState : std::uint8_t {
  data,     // a piece is there
  blocked,  // nothing now
  end,      // the body is complete; trailers are known
  failed,   // it cannot become complete
};

// The body of one message as it arrives, without its framing. Pull is by polling: the Session waits between two tries.
class BodyReader {
 public:
  virtual ~BodyReader() = default;

  // The next piece, at its full length as far as it has arrived. Reads from the connection only if may_read. A piece
  // stays valid until the next pull that may read, and counts as taken only once consumed.
  virtual BodyState pull(std::string_view& piece, bool may_read) = 0;
  virtual void consume(std::size_t count) = 0;

  virtual bool ended() const = 0;
  // Whether so many bytes, which were pulled and not consumed, are known to be the last ones.
  virtual bool ends_with(std::size_t count) const = 0;
  virtual std::uint64_t received() const = 0;  // body bytes consumed so far
  // Trailer fields as lines, each ending in CRLF, validated; "" when there are none. Valid once ended.
  virtual std::string_view trailers() const = 0;
  // Why it failed, for a log line.
  virtual std::string_view failure() const = 0;
  // The name of the limit that made it fail, or "".
  virtual std::string_view limit() const = 0;
  // From here on everything that arrives is body, until the peer ends its side: after a switch of protocols. At most
  // `most` bytes are read ahead.
  virtual void start_raw(std::size_t most) = 0;

  // Whether many bytes are still to come, of a known number, none of them read ahead, that the kernel can move by
  // itself.
  virtual bool can_splice() const { return false; }
  // Moves them into a pipe, as if they were pulled and consumed. Like Stream::splice_into; io_end is a failure here,
  // which the next pull() explains.
  virtual IoCount splice_into(int /*pipe*/, std::size_t /*most*/) { return io_refused; }
};

// What a message is sent through, body and all. Everything that is added is taken; what the socket does not take is
// kept in own memory, and nothing more may be added until drained().
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;

  // Gathered until send(). The views must stay valid until then. Never without room().
  virtual void data(std::string_view piece) = 0;
  virtual void end(std::string_view trailers) = 0;
  virtual bool room() const = 0;
  // Gives what was gathered to the socket in one call. False when the connection is broken.
  virtual bool send() = 0;
  // Tries again what the socket did not take. False when the connection is broken.
  virtual bool flush() = 0;
  virtual bool drained() const = 0;
  // Grows with every byte that reaches the socket: tells a slow peer from a stalled one.
  virtual std::uint64_t progress() const = 0;
  // Says that nothing more will follow, once all is drained: ends a direction of a tunnel.
  virtual void shutdown() = 0;

  // Whether body bytes leave as they are, nothing is unsent, and the kernel can move them by itself.
  virtual bool can_splice() const { return false; }
  // Sends so many bytes of body out of a pipe. Like Stream::splice_from and push.
  virtual IoCount splice_from(int /*pipe*/, std::size_t /*count*/, bool /*more*/) { return io_refused; }
  virtual void push() {}
};

// A BodyWriter towards a Client.
class ResponseWriter : public BodyWriter {
 public:
  // An interim response (1xx), sent as it is less its hop-by-hop fields.
  virtual void interim(const ResponseHead& head) = 0;
  // The final head, with edits applied. body and length say what will follow.
  virtual void head(const ResponseHead& head, const HeadEdits& edits, BodyKind body, std::uint64_t length) = 0;
  // 101: after this, data() is raw.
  virtual void switch_protocols(const ResponseHead& head, const HeadEdits& edits) = 0;

  virtual bool head_sent() const = 0;
  virtual std::uint64_t bytes_sent() const = 0;       // given to the connection, framing included
  virtual std::uint64_t body_bytes_sent() const = 0;  // without head
  // The connection will not carry another request after this response.
  virtual void close_after() = 0;
  // Whether the client has broken off, as far as can be seen without waiting.
  virtual bool client_broke() const = 0;
  // Likewise, or has closed its side behind a whole request. kept: bytes of that request that are still unread.
  virtual bool client_gone(std::size_t kept) = 0;
};

}  // namespace fairlead

#pragma once

#include <cstddef>
#include <cstdint>

#include "proxy/http2_session.hpp"

namespace fairlead {

// What a stream needs of the connection it is on.
class Http2Link {
 public:
  virtual ~Http2Link() = default;

  virtual Http2Session& session() = 0;
  virtual Http2Fields& fields() = 0;
  // Gives the socket what it takes, at once: while views of this turn are valid. Or in one go with others, at the end
  // of this turn.
  virtual void flush_now() = 0;
  virtual void flush_later() = 0;
  virtual bool broken() const = 0;

  // While the socket takes no more: grows with every byte it does take. 0 else.
  virtual std::uint64_t socket_progress() const = 0;
};

// The same of a client's connection, whose streams share a bound to what they hold of responses.
class Http2ClientLink : public Http2Link {
 public:
  // Of the bodies that wait for the client, one stream holds so many bytes more or less.
  virtual void holds(std::ptrdiff_t change) = 0;
  // Whether this stream may take more of its response from its service; and that it is to be run again when it may.
  virtual bool has_room(std::int32_t stream) const = 0;
  virtual void wait_for_room(std::int32_t stream) = 0;
  // Grows with every byte of any stream.
  virtual std::uint64_t progress_of_all() const = 0;
};

}  // namespace fairlead

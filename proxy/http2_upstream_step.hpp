#pragma once

#include <cstddef>

namespace fairlead {

// What is known of one Worker's connections to one Endpoint.
struct Http2UpstreamFacts {
  std::size_t waiting = 0;      // requests without a stream
  std::size_t room = 0;         // streams that the connections can take at once
  std::size_t connections = 0;  // that are there or being made, without those that take no more
  std::size_t connecting = 0;   // of these, those of which it is not known what they take
};

struct Http2UpstreamBounds {
  std::size_t max_connections = 1;
  std::size_t usual_streams = 100;  // what a connection is thought to take until it says so (RFC 9113 6.5.2)
};

enum class Http2UpstreamStep { nothing, open_stream, connect };

// Pure. As few connections as can be: those who come while one is being made wait for it, and only more of them than it
// may take are worth another.
constexpr Http2UpstreamStep next_step(const Http2UpstreamFacts& facts, const Http2UpstreamBounds& bounds) {
  if (facts.waiting == 0) return Http2UpstreamStep::nothing;
  if (facts.room > 0) return Http2UpstreamStep::open_stream;
  const bool may_connect = facts.connections < bounds.max_connections;
  const bool enough_to_come = facts.waiting <= facts.connecting * bounds.usual_streams;
  return may_connect && !enough_to_come ? Http2UpstreamStep::connect : Http2UpstreamStep::nothing;
}

}  // namespace fairlead

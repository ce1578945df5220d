#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "router/upstream_state.hpp"

namespace fairlead {

// A small fast generator (xoshiro or wyrand): balancing and request ids need no more.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::uint32_t below(std::uint32_t bound);  // uniform in [0, bound); bound > 0

 private:
  std::uint64_t state_;
};

// One Worker's balancing positions. Round robin starts at a random Endpoint, so that many Workers and many fresh
// processes do not all begin with the first; the position survives swaps.
class LoadBalancer {
 public:
  explicit LoadBalancer(std::uint64_t seed) : random_(seed) {}

  // Chooses an Endpoint, avoiding those already tried for this request while another is left. Null when the Upstream
  // has none. round_robin: the next in order. power_of_two: of two random ones, that with fewer requests in flight.
  const std::shared_ptr<EndpointState>* choose(const UpstreamEntry& upstream, std::span<const std::uint64_t> tried);

  Random& random() { return random_; }

 private:
  struct Cursor {
    std::uint64_t identity = 0;
    std::uint32_t next = 0;
  };
  std::vector<Cursor> cursors_;  // by UpstreamEntry::index
  Random random_;
};

}  // namespace fairlead

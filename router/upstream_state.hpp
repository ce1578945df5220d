#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "router/config.hpp"

namespace fairlead {

// What is known of one Endpoint of one Upstream beyond its address. Outlives every swap in which the Endpoint stays,
// and is found again by Upstream key and address. Shared by all Workers.
struct EndpointState {
  explicit EndpointState(const Endpoint& at, UpstreamProtocol how);

  const Endpoint endpoint;
  const UpstreamProtocol protocol;
  const std::uint64_t id;                   // never reused in this process: what pools are keyed by
  std::atomic<std::uint32_t> in_flight{0};  // requests sent and not yet answered whole; relaxed
};

// An Upstream compiled for choosing: what a Path leads to.
struct UpstreamEntry {
  std::shared_ptr<const Upstream> config;
  std::vector<std::shared_ptr<EndpointState>> endpoints;  // in config's order
  std::uint32_t index = 0;     // dense and stable while the Upstream lives: Workers keep a balancing cursor per index
  std::uint64_t identity = 0;  // never reused: tells a cursor that its index was given to another Upstream
};

}  // namespace fairlead

#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "proxy/http1_upstream.hpp"
#include "proxy/worker_counters.hpp"

namespace fairlead {

// One Worker's idle HTTP/1.1 connections to upstreams, by Endpoint; the one used last is taken first, so that few stay
// warm and the rest expire. Bounded by max_idle_upstream_connections per Endpoint and upstream_idle_timeout.
class UpstreamPool {
 public:
  UpstreamPool(const Limits& limits, ReadinessSet& readiness, LimitHits& hits)
      : limits_(limits), readiness_(readiness), hits_(hits) {}

  // Null when none is idle that is still good. The caller becomes the target of its socket.
  Http1UpstreamPtr take(const EndpointState& endpoint, EventTarget& target);
  // Takes back a connection whose last response is complete, or closes it if it has done its share.
  void give_back(Http1UpstreamPtr connection);
  std::size_t idle() const { return idle_count_; }
  // Closes what leads to Endpoints that are served no more, by EndpointState::id.
  void close(const std::vector<std::uint64_t>& endpoints);
  void close_all();

 private:
  friend class Http1Upstream;
  using Idle = std::vector<Http1UpstreamPtr>;

  void drop(Http1Upstream& connection);
  void forget_empty();

  const Limits& limits_;
  ReadinessSet& readiness_;
  LimitHits& hits_;
  std::unordered_map<std::uint64_t, Idle> idle_;  // by EndpointState::id
  std::size_t idle_count_ = 0;
  std::size_t forget_at_ = 64;  // how many Endpoints may be known before those without connections are forgotten
};

}  // namespace fairlead

#include "router/load_balancer.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace fairlead {
namespace {

UpstreamEntry upstream_of(std::uint16_t endpoints, Balancing balancing) {
  auto config = std::make_shared<Upstream>();
  config->balancing = balancing;
  UpstreamEntry entry;
  for (std::uint16_t port = 1; port <= endpoints; ++port) {
    config->endpoints.push_back({IpAddress::v4(0x7f000001), port});
    entry.endpoints.push_back(std::make_shared<EndpointState>(config->endpoints.back(), UpstreamProtocol::http));
  }
  entry.config = std::move(config);
  entry.identity = 1;
  return entry;
}

TEST(RoundRobin, TakesEveryEndpointInTurn) {
  const UpstreamEntry upstream = upstream_of(5, Balancing::round_robin);
  LoadBalancer balancer(1);
  std::map<std::uint64_t, int> taken;
  for (int i = 0; i < 50; ++i) ++taken[(*balancer.choose(upstream, {}))->id];
  ASSERT_EQ(taken.size(), 5u);
  for (const auto& [id, count] : taken) EXPECT_EQ(count, 10);
}

TEST(RoundRobin, DoesNotAlwaysBeginWithTheFirst) {
  const UpstreamEntry upstream = upstream_of(10, Balancing::round_robin);
  std::set<std::uint64_t> first;
  for (std::uint64_t seed = 0; seed < 40; ++seed) first.insert((*LoadBalancer(seed).choose(upstream, {}))->id);
  EXPECT_GT(first.size(), 5u);
}

TEST(Balancing, AvoidsWhatWasTriedWhileAnotherIsLeft) {
  for (const Balancing balancing : {Balancing::round_robin, Balancing::power_of_two}) {
    const UpstreamEntry upstream = upstream_of(3, balancing);
    LoadBalancer balancer(7);
    const std::uint64_t tried[] = {upstream.endpoints[0]->id, upstream.endpoints[2]->id};
    for (int i = 0; i < 20; ++i) EXPECT_EQ(*balancer.choose(upstream, tried), upstream.endpoints[1]);
  }
}

TEST(Balancing, WithoutEndpointsThereIsNoChoice) {
  EXPECT_EQ(LoadBalancer(1).choose(upstream_of(0, Balancing::round_robin), {}), nullptr);
}

TEST(PowerOfTwo, PrefersTheOneWithFewerRequestsInFlight) {
  const UpstreamEntry upstream = upstream_of(2, Balancing::power_of_two);
  upstream.endpoints[0]->in_flight = 100;
  LoadBalancer balancer(3);
  int idle = 0;
  for (int i = 0; i < 1000; ++i) idle += *balancer.choose(upstream, {}) == upstream.endpoints[1];
  EXPECT_GT(idle, 650);  // three of four pairs hold the idle one
}

}  // namespace
}  // namespace fairlead

#include "router/load_balancer.hpp"

#include <algorithm>

namespace fairlead {
namespace {

using States = std::vector<std::shared_ptr<EndpointState>>;

bool was_tried(const EndpointState& state, std::span<const std::uint64_t> tried) {
  return std::find(tried.begin(), tried.end(), state.id) != tried.end();
}

// The first from `begin` on, going round, that was not tried; `begin` itself when all were.
std::uint32_t first_untried(const States& states, std::uint32_t begin, std::span<const std::uint64_t> tried) {
  const std::uint32_t count = static_cast<std::uint32_t>(states.size());
  for (std::uint32_t step = 0; step < count && !tried.empty(); ++step) {
    const std::uint32_t at = (begin + step) % count;
    if (!was_tried(*states[at], tried)) return at;
  }
  return begin;
}

}  // namespace

// SplitMix64.
std::uint64_t Random::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
  return mixed ^ (mixed >> 31);
}

std::uint32_t Random::below(std::uint32_t bound) {
  return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
}

const std::shared_ptr<EndpointState>* LoadBalancer::choose(const UpstreamEntry& upstream,
                                                           std::span<const std::uint64_t> tried) {
  const States& states = upstream.endpoints;
  const std::uint32_t count = static_cast<std::uint32_t>(states.size());
  if (count == 0) return nullptr;
  if (upstream.config->balancing == Balancing::power_of_two) {
    const std::uint32_t first = first_untried(states, random_.below(count), tried);
    const std::uint32_t second = first_untried(states, random_.below(count), tried);
    const auto load = [&](std::uint32_t at) { return states[at]->in_flight.load(std::memory_order_relaxed); };
    return &states[load(second) < load(first) ? second : first];
  }
  if (cursors_.size() <= upstream.index) cursors_.resize(upstream.index + 1);
  Cursor& cursor = cursors_[upstream.index];
  if (cursor.identity != upstream.identity) cursor = {upstream.identity, random_.below(count)};
  const std::uint32_t chosen = first_untried(states, cursor.next % count, tried);
  cursor.next = chosen + 1;
  return &states[chosen];
}

}  // namespace fairlead

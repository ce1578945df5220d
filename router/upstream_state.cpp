#include "router/upstream_state.hpp"

namespace fairlead {
namespace {

std::uint64_t next_endpoint_id() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

EndpointState::EndpointState(const Endpoint& at, UpstreamProtocol how)
    : endpoint(at), protocol(how), id(next_endpoint_id()) {}

}  // namespace fairlead

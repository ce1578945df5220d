#include "proxy/upstream_pool.hpp"

#include <algorithm>

namespace fairlead {

Http1UpstreamPtr UpstreamPool::take(const EndpointState& endpoint, EventTarget& target) {
  const auto found = idle_.find(endpoint.id);
  if (found == idle_.end()) return nullptr;
  while (!found->second.empty()) {
    Http1UpstreamPtr connection = std::move(found->second.back());
    found->second.pop_back();
    --idle_count_;
    if (!connection->is_quiet()) continue;  // its news came in this very turn and were not seen yet
    TimerWheel::clear(connection->idle_deadline);
    connection->unlink();
    connection->stream->socket().target = &target;
    return connection;
  }
  return nullptr;
}

void UpstreamPool::give_back(Http1UpstreamPtr connection) {
  Socket& socket = connection->stream->socket();
  if (!connection->output.drained() || !connection->is_quiet()) return;
  if (connection->requests >= limits_.max_upstream_requests) {
    hits_.add("max_upstream_requests");
    return;
  }
  Idle& idle = idle_[connection->endpoint->id];
  if (idle.size() >= limits_.max_idle_upstream_connections) {
    hits_.add("max_idle_upstream_connections");
    return;
  }
  connection->input.release();
  socket.target = connection.get();
  readiness_.timers().set(connection->idle_deadline, readiness_.now() + limits_.upstream_idle_timeout);
  idle.push_back(std::move(connection));
  ++idle_count_;
  if (idle_.size() > forget_at_) forget_empty();
}

void UpstreamPool::drop(Http1Upstream& connection) {
  const auto found = idle_.find(connection.endpoint->id);
  if (found == idle_.end()) return;
  if (connection.idle_deadline.expired()) hits_.add("upstream_idle_timeout");
  const auto at = std::find_if(found->second.begin(), found->second.end(),
                               [&](const Http1UpstreamPtr& held) { return held.get() == &connection; });
  if (at == found->second.end()) return;
  found->second.erase(at);
  --idle_count_;
}

void UpstreamPool::forget_empty() {
  std::erase_if(idle_, [](const auto& entry) { return entry.second.empty(); });
  forget_at_ = std::max<std::size_t>(64, 2 * idle_.size());
}

void UpstreamPool::close(const std::vector<std::uint64_t>& endpoints) {
  for (const std::uint64_t id : endpoints) {
    const auto found = idle_.find(id);
    if (found == idle_.end()) continue;
    idle_count_ -= found->second.size();
    idle_.erase(found);
  }
}

void UpstreamPool::close_all() {
  idle_.clear();
  idle_count_ = 0;
}

}  // namespace fairlead

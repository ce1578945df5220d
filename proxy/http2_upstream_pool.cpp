#include "proxy/http2_upstream_pool.hpp"

#include <algorithm>

#include "proxy/http2_upstream.hpp"

namespace fairlead {
namespace {

constexpr std::size_t head_text_size = 64 * 1024;  // twice the largest head

}  // namespace

Http2UpstreamWait::~Http2UpstreamWait() {
  if (is_linked()) pool_->leave(*this);
}

std::string_view Http2UpstreamWait::what_for() const {
  const auto& connections = pool_->entries_.at(endpoint_).connections;
  const bool all_connecting = std::all_of(connections.begin(), connections.end(),
                                          [](const auto& connection) { return connection->is_connecting(); });
  return all_connecting ? "the connection to the upstream took too long"
                        : "the connections to the upstream had no room for one more request";
}

Http2UpstreamPool::Http2UpstreamPool(WorkerContext& worker)
    : worker_(worker), streams_(std::make_unique<Http2UpstreamStreamPool>(worker.limits)), head_text_(head_text_size) {}

Http2UpstreamPool::~Http2UpstreamPool() = default;

UpstreamSidePtr Http2UpstreamPool::open(const EndpointState& endpoint, Session& session) {
  const auto found = entries_.find(endpoint.id);
  if (found == entries_.end() || found->second.waiting > 0) return nullptr;
  for (const auto& connection : found->second.connections) {
    if (connection->room() > 0) return UpstreamSidePtr(&connection->open(session));
  }
  return nullptr;
}

void Http2UpstreamPool::join(Http2UpstreamWait& wait, std::shared_ptr<EndpointState> endpoint) {
  Entry& entry = entries_[endpoint->id];
  if (entry.waiting >= worker_.limits.http2_max_upstream_waiting) {
    constexpr std::string_view limit = "http2_max_upstream_waiting";
    wait.fault_ = {AttemptFailure::connect_timeout, "too many requests wait for a connection to the upstream", limit};
    return;
  }
  wait.pool_ = this;
  wait.endpoint_ = endpoint->id;
  entry.endpoint = std::move(endpoint);
  entry.waits.push_back(wait);
  ++entry.waiting;
  serve(entry);
}

Http2UpstreamFacts Http2UpstreamPool::facts_of(const Entry& entry) const {
  Http2UpstreamFacts facts;
  facts.waiting = entry.waiting;
  for (const auto& connection : entry.connections) {
    if (!connection->takes_streams()) continue;
    ++facts.connections;
    facts.room += connection->room();
    facts.connecting += connection->is_connecting() ? 1 : 0;
  }
  return facts;
}

void Http2UpstreamPool::serve(Entry& entry, bool may_connect) {
  const Http2UpstreamBounds bounds{may_connect ? worker_.limits.http2_max_upstream_connections : 0u};
  for (;;) {
    switch (next_step(facts_of(entry), bounds)) {
      case Http2UpstreamStep::nothing:
        return;
      case Http2UpstreamStep::open_stream:
        give_stream(entry);
        break;
      case Http2UpstreamStep::connect:
        entry.connections.push_back(std::make_unique<Http2Upstream>(*this, worker_, entry.endpoint));
        break;
    }
  }
}

void Http2UpstreamPool::give_stream(Entry& entry) {
  const auto with_room = std::find_if(entry.connections.begin(), entry.connections.end(),
                                      [](const auto& connection) { return connection->room() > 0; });
  Http2UpstreamWait& first = entry.waits.front();
  first.stream_.reset(&(*with_room)->open(first.session_));
  end(entry, first);
}

void Http2UpstreamPool::end(Entry& entry, Http2UpstreamWait& wait) {
  wait.unlink();
  --entry.waiting;
  worker_.readiness.wake(wait.session_);
}

void Http2UpstreamPool::fail(Entry& entry, const UpstreamFault& fault) {
  while (!entry.waits.empty()) {
    Http2UpstreamWait& wait = entry.waits.front();
    wait.fault_ = fault;
    end(entry, wait);
  }
}

// Nobody is left who waits: what is being made is of no use.
void Http2UpstreamPool::leave(Http2UpstreamWait& wait) {
  Entry& entry = entries_.at(wait.endpoint_);
  wait.unlink();
  if (--entry.waiting > 0) return;
  std::erase_if(entry.connections, [](const auto& connection) { return connection->is_connecting(); });
  forget_if_empty(wait.endpoint_);
}

void Http2UpstreamPool::room_at(const EndpointState& endpoint) {
  if (const auto found = entries_.find(endpoint.id); found != entries_.end()) serve(found->second);
}

void Http2UpstreamPool::drop(Http2Upstream& connection) {
  const std::uint64_t id = connection.endpoint().id;
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  const UpstreamFault fault = connection.fault();
  const bool never_was = !connection.was_settled();
  std::erase_if(entry.connections, [&](const auto& held) { return held.get() == &connection; });
  const bool last = std::none_of(entry.connections.begin(), entry.connections.end(),
                                 [](const auto& held) { return held->takes_streams(); });
  if (never_was && last) fail(entry, {AttemptFailure::connect_refused, fault.reason, fault.limit});
  serve(entry, !never_was);  // not again and again: the next who comes tries
  forget_if_empty(id);
}

void Http2UpstreamPool::forget_if_empty(std::uint64_t endpoint) {
  const auto found = entries_.find(endpoint);
  if (found == entries_.end() || !found->second.connections.empty() || found->second.waiting > 0) return;
  entries_.erase(found);
}

std::size_t Http2UpstreamPool::connections() const {
  std::size_t sum = 0;
  for (const auto& [id, entry] : entries_) sum += entry.connections.size();
  return sum;
}

void Http2UpstreamPool::close(const std::vector<std::uint64_t>& endpoints) {
  for (const std::uint64_t id : endpoints) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) continue;
    for (const auto& connection : found->second.connections) connection->retire();
  }
}

void Http2UpstreamPool::close_all() {
  entries_.clear();
}

}  // namespace fairlead

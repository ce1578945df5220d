#include "proxy/forward.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "proxy/grpc_reply.hpp"
#include "proxy/local_reply.hpp"
#include "proxy/relay.hpp"
#include "proxy/tunnel.hpp"
#include "proxy/upstream_connect.hpp"

namespace fairlead {
namespace {

// Counts one request in flight at an Endpoint, for power-of-two-choices.
class InFlight {
 public:
  explicit InFlight(EndpointState& endpoint) : endpoint_(endpoint) {
    endpoint_.in_flight.fetch_add(1, std::memory_order_relaxed);
  }
  ~InFlight() { endpoint_.in_flight.fetch_sub(1, std::memory_order_relaxed); }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;

 private:
  EndpointState& endpoint_;
};

// The attempts of one Exchange.
class Forwarding {
 public:
  explicit Forwarding(ClientSide& client) : client_(client), began_(client.session.now()) {}

  Task<bool> run();

 private:
  enum class Next : std::uint8_t { another_endpoint, same_again, done, broken };

  Task<Next> attempt(const std::shared_ptr<EndpointState>& endpoint, bool fresh);
  Task<Next> use(UpstreamSidePtr upstream, const EndpointState& endpoint, bool reused);
  Task<Next> run_tunnel(UpstreamSide& upstream);
  Next after_failure(AttemptFacts facts, std::string_view reason, std::string_view limit);
  Next give_up();
  Next client_left();
  // The client waits no longer: its grpc-timeout has passed.
  bool is_late() const { return client_.session.now() >= client_.exchange.deadline; }
  GrpcStatus broken_off() const { return is_late() ? GrpcStatus::deadline_exceeded : GrpcStatus::unavailable; }
  bool is_served(const EndpointState& endpoint) const;
  void note_failure(std::string_view reason, std::string_view limit);
  AttemptRecord& next_record(const EndpointState& endpoint);
  std::chrono::microseconds since(std::chrono::microseconds began) const {
    return client_.worker.readiness.now_precise() - began;
  }
  const PathSettings& settings() const { return client_.exchange.match.path->settings; }

  ClientSide& client_;
  const LoopTime began_;
  std::chrono::microseconds attempt_began_{0};
  std::array<std::uint64_t, ExchangeRecord::max_attempts> tried_{};
  std::uint32_t attempts_ = 0;
  AttemptRecord overflow_;  // of attempts that the record has no room for
  AttemptRecord* record_ = nullptr;
};

Task<bool> Forwarding::run() {
  const UpstreamEntry& upstream = *client_.exchange.match.upstream;
  Next next = Next::another_endpoint;
  const std::shared_ptr<EndpointState>* endpoint = nullptr;
  while (next == Next::another_endpoint || next == Next::same_again) {
    const bool fresh = next == Next::same_again;
    if (!fresh) {
      const std::size_t known = std::min<std::size_t>(attempts_, tried_.size());
      endpoint = client_.worker.balancer.choose(upstream, {tried_.data(), known});
      if (attempts_ < tried_.size()) tried_[attempts_] = (*endpoint)->id;
      ++attempts_;
      record_ = &next_record(**endpoint);
    }
    next = co_await attempt(*endpoint, fresh);
  }
  co_return next == Next::done;
}

AttemptRecord& Forwarding::next_record(const EndpointState& endpoint) {
  ExchangeRecord& record = client_.exchange.record;
  const std::uint32_t at = record.attempt_count++;
  AttemptRecord& chosen = at < record.attempts.size() ? record.attempts[at] : overflow_;
  chosen = AttemptRecord{};
  chosen.endpoint = endpoint.endpoint;
  return chosen;
}

Task<Forwarding::Next> Forwarding::attempt(const std::shared_ptr<EndpointState>& endpoint, bool fresh) {
  const InFlight counted(*endpoint);
  attempt_began_ = client_.worker.readiness.now_precise();
  UpstreamSidePtr upstream = reuse_upstream(client_, *endpoint, fresh);
  if (upstream) {
    client_.worker.metrics.counters.upstream_reuses.add();
    record_->connect_time = std::chrono::microseconds(0);
    co_return co_await use(std::move(upstream), *endpoint, !fresh);
  }
  Connected connected = co_await connect_upstream(client_, endpoint, settings().connect_timeout);
  if (connected.client_gone) co_return client_left();
  if (!connected.upstream) {
    client_.worker.metrics.counters.upstream_connect_failures.add();
    if (!connected.fault.limit.empty()) client_.exchange.record.limit = connected.fault.limit;
    AttemptFacts facts;
    facts.failure = connected.fault.failure;
    co_return after_failure(facts, connected.fault.reason, connected.fault.limit);
  }
  record_->connect_time = since(attempt_began_);
  co_return co_await use(std::move(connected.upstream), *endpoint, false);
}

Task<Forwarding::Next> Forwarding::use(UpstreamSidePtr upstream, const EndpointState& endpoint, bool reused) {
  Relay relay(client_, *upstream, *record_);
  const RelayEnd end = co_await relay.run();
  record_->response_time = since(attempt_began_);
  record_->response_bytes = upstream->body().received();
  if (!relay.limit().empty()) client_.exchange.record.limit = relay.limit();
  switch (end) {
    case RelayEnd::complete:
      if (relay.reusable() && is_served(endpoint)) upstream.release()->keep();
      co_return Next::done;
    case RelayEnd::switched:
      co_return co_await run_tunnel(*upstream);
    case RelayEnd::client_gone:
      co_return client_left();
    case RelayEnd::cut:
      note_failure(relay.reason(), relay.limit());
      if (!relay.can_end_as_grpc()) co_return Next::broken;
      end_as_grpc(client_, broken_off());
      co_return Next::done;
    case RelayEnd::client_timeout:
      refuse_for_limit(client_, 408, "body_timeout");
      co_return Next::done;
    case RelayEnd::body_too_large:
      refuse_for_limit(client_, 413, "proxy_body_size");
      co_return Next::done;
    case RelayEnd::body_malformed:
      refuse_for_limit(client_, 400, relay.limit());
      co_return Next::done;
    case RelayEnd::failed:
      break;
  }
  AttemptFacts facts;
  facts.failure = relay.failure();
  facts.connection_was_reused = reused;
  facts.request_bytes_sent = relay.request_bytes_sent();
  facts.body_consumed = relay.body_consumed();
  co_return after_failure(facts, relay.reason(), relay.limit());
}

Task<Forwarding::Next> Forwarding::run_tunnel(UpstreamSide& upstream) {
  co_await tunnel(client_, upstream);
  record_->response_time = since(attempt_began_);
  record_->response_bytes = upstream.body().received();
  co_return Next::broken;  // both connections were used up
}

Forwarding::Next Forwarding::after_failure(AttemptFacts facts, std::string_view reason, std::string_view limit) {
  facts.method = client_.exchange.request.method;
  facts.attempts = attempts_;
  facts.elapsed = client_.session.now() - began_;
  record_->status =
      facts.failure == AttemptFailure::connect_timeout || facts.failure == AttemptFailure::read_timeout ? 504 : 502;
  if (record_->response_time.count() < 0) record_->response_time = since(attempt_began_);
  const RetryVerdict verdict = is_late() ? RetryVerdict::give_up : decide_retry(facts, settings());
  if (verdict == RetryVerdict::same_again) return Next::same_again;
  note_failure(reason, limit);
  if (verdict == RetryVerdict::another_endpoint) return Next::another_endpoint;
  return give_up();
}

Forwarding::Next Forwarding::give_up() {
  if (is_late()) {
    reply_as_grpc(client_, GrpcStatus::deadline_exceeded, "grpc-timeout passed");
    return Next::done;
  }
  reply_locally(client_, record_->status);
  return Next::done;
}

Forwarding::Next Forwarding::client_left() {
  if (!client_.response.head_sent()) client_.exchange.record.status = 499;
  return Next::broken;
}

// Whether the Worker's Snapshot of now has this Endpoint, too: a connection to one that is gone is of no more use.
bool Forwarding::is_served(const EndpointState& endpoint) const {
  const SnapshotRef& now = client_.worker.snapshot;
  if (now->generation == client_.exchange.snapshot->generation) return true;
  const UpstreamEntry* const upstream = now->routes->upstream(client_.exchange.match.upstream->config->key);
  return upstream && std::any_of(upstream->endpoints.begin(), upstream->endpoints.end(),
                                 [&](const auto& known) { return known.get() == &endpoint; });
}

void Forwarding::note_failure(std::string_view reason, std::string_view limit) {
  Log& log = client_.worker.shared.log;
  if (!log.enabled(LogLevel::info)) return;
  const Exchange& exchange = client_.exchange;
  char address[IpAddress::max_text];
  const std::string_view at(address, record_->endpoint.address.write(address));
  log.write(LogLevel::info,
            fmt::format("upstream {} at {} port {}: {}{}{} (request {} to {})", exchange.match.upstream->config->name,
                        at, record_->endpoint.port, reason, limit.empty() ? "" : ", limit ", limit,
                        exchange.record.request_id, exchange.host));
}

}  // namespace

Task<bool> forward(ClientSide& client) {
  Forwarding forwarding(client);
  co_return co_await forwarding.run();
}

}  // namespace fairlead

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

constexpr std::string_view timeout_passed = "grpc-timeout passed";

int status_of(AttemptFailure failure) {
  return failure == AttemptFailure::connect_timeout || failure == AttemptFailure::read_timeout ? 504 : 502;
}

// What is decided between the attempts of one Exchange, and of each of them. Does not wait.
class Forwarding {
 public:
  explicit Forwarding(ClientSide& client) : client_(client), began_(client.session.now()) {}

  bool goes_on() const { return next_ == Next::another_endpoint || next_ == Next::same_again; }
  bool client_is_usable() const { return next_ == Next::done; }
  const std::shared_ptr<EndpointState>& endpoint() const { return *endpoint_; }
  AttemptRecord& record() { return *record_; }
  LoopTime connect_timeout() const { return settings().connect_timeout; }
  bool has_another_endpoint() const;

  // A further attempt: at which Endpoint. What can be reused there, or null.
  UpstreamSidePtr begin();
  // After connecting. Null: it failed, or the client left.
  UpstreamSidePtr take(Connected connected);
  void after(RelayEnd end, const Relay& relay, UpstreamSidePtr upstream);

 private:
  enum class Next : std::uint8_t { another_endpoint, same_again, done, broken };

  void choose_endpoint();
  Next ended(RelayEnd end, const Relay& relay);
  Next after_failure(AttemptFacts facts, std::string_view reason, std::string_view limit);
  Next turn_down(const Relay& relay, int status, std::string_view limit);
  Next give_up();
  Next client_left();
  // The client waits no longer: its grpc-timeout has passed.
  bool is_late() const { return client_.session.now() >= client_.exchange.deadline; }
  bool is_served(const EndpointState& endpoint) const;
  void note_failure(std::string_view reason, std::string_view limit);
  AttemptRecord& next_record(const EndpointState& endpoint);
  std::chrono::microseconds since(std::chrono::microseconds began) const {
    return client_.worker.readiness.now_precise() - began;
  }
  const PathSettings& settings() const { return client_.exchange.match.path->route->settings; }

  ClientSide& client_;
  const LoopTime began_;
  Next next_ = Next::another_endpoint;
  bool reused_ = false;  // the connection of this attempt
  std::uint32_t attempts_ = 0;
  const std::shared_ptr<EndpointState>* endpoint_ = nullptr;
  std::chrono::microseconds attempt_began_{0};
  std::array<std::uint64_t, ExchangeRecord::max_attempts> tried_;  // the first attempts_ of them
  AttemptRecord overflow_;                                         // of attempts that the record has no room for
  AttemptRecord* record_ = nullptr;
};

void Forwarding::choose_endpoint() {
  const std::size_t known = std::min<std::size_t>(attempts_, tried_.size());
  endpoint_ = client_.worker.balancer.choose(*client_.exchange.match.upstream, {tried_.data(), known});
  if (attempts_ < tried_.size()) tried_[attempts_] = (*endpoint_)->id;
  ++attempts_;
  record_ = &next_record(**endpoint_);
}

UpstreamSidePtr Forwarding::begin() {
  const bool fresh = next_ == Next::same_again;
  if (!fresh) choose_endpoint();
  attempt_began_ = client_.worker.readiness.now_precise();
  UpstreamSidePtr upstream = reuse_upstream(client_, **endpoint_, fresh);
  reused_ = upstream && !fresh;
  if (upstream) {
    client_.worker.metrics.counters.upstream_reuses.add();
    record_->connect_time = std::chrono::microseconds(0);
  }
  return upstream;
}

UpstreamSidePtr Forwarding::take(Connected connected) {
  if (connected.client_gone) {
    next_ = client_left();
    return nullptr;
  }
  if (!connected.upstream) {
    client_.worker.metrics.counters.upstream_connect_failures.add();
    if (!connected.fault.limit.empty()) client_.exchange.record.limit = connected.fault.limit;
    AttemptFacts facts;
    facts.failure = connected.fault.failure;
    next_ = after_failure(facts, connected.fault.reason, connected.fault.limit);
    return nullptr;
  }
  record_->connect_time = since(attempt_began_);
  return std::move(connected.upstream);
}

AttemptRecord& Forwarding::next_record(const EndpointState& endpoint) {
  ExchangeRecord& record = client_.exchange.record;
  const std::uint32_t at = record.attempt_count++;
  AttemptRecord& chosen = at < record.attempts.size() ? record.attempts[at] : overflow_;
  chosen = AttemptRecord{};
  chosen.endpoint = endpoint.endpoint;
  return chosen;
}

void Forwarding::after(RelayEnd end, const Relay& relay, UpstreamSidePtr upstream) {
  record_->response_time = since(attempt_began_);
  record_->response_bytes = upstream->body().received();
  if (!relay.limit().empty()) client_.exchange.record.limit = relay.limit();
  if (end == RelayEnd::complete && relay.reusable() && is_served(**endpoint_)) upstream.release()->keep();
  next_ = ended(end, relay);
}

Forwarding::Next Forwarding::ended(RelayEnd end, const Relay& relay) {
  switch (end) {
    case RelayEnd::complete:
      return Next::done;
    case RelayEnd::switched:
      return Next::broken;  // the tunnel has used up both connections
    case RelayEnd::client_gone:
      return client_left();
    case RelayEnd::cut:
      note_failure(relay.reason(), relay.limit());
      if (!relay.can_end_as_grpc()) return Next::broken;
      is_late() ? end_as_grpc(client_, GrpcStatus::deadline_exceeded, timeout_passed)
                : end_as_grpc(client_, GrpcStatus::unavailable, "the response of the service broke off");
      return Next::done;
    case RelayEnd::client_timeout:
      return turn_down(relay, 408, "body_timeout");
    case RelayEnd::body_too_large:
      return turn_down(relay, 413, "proxy_body_size");
    case RelayEnd::body_malformed:
      refuse_for_limit(client_, 400, relay.limit());
      return Next::done;
    case RelayEnd::failed:
      break;
  }
  AttemptFacts facts;
  facts.failure = relay.failure();
  facts.connection_was_reused = reused_;
  facts.request_bytes_sent = relay.request_bytes_sent();
  facts.body_consumed = relay.body_consumed();
  return after_failure(facts, relay.reason(), relay.limit());
}

Forwarding::Next Forwarding::after_failure(AttemptFacts facts, std::string_view reason, std::string_view limit) {
  facts.method = client_.exchange.request.method;
  facts.attempts = attempts_;
  facts.elapsed = client_.session.now() - began_;
  if (facts.failure != AttemptFailure::passed_over) record_->status = status_of(facts.failure);
  if (record_->response_time.count() < 0) record_->response_time = since(attempt_began_);
  const RetryVerdict verdict = is_late() ? RetryVerdict::give_up : decide_retry(facts, settings());
  if (verdict == RetryVerdict::same_again) return Next::same_again;
  note_failure(reason, limit);
  if (verdict == RetryVerdict::another_endpoint) return Next::another_endpoint;
  return give_up();
}

// The client does not send its request as it must.
Forwarding::Next Forwarding::turn_down(const Relay& relay, int status, std::string_view limit) {
  client_.exchange.record.limit = limit;
  if (!client_.response.head_sent()) {
    reply_locally(client_, status);
    return Next::done;
  }
  if (!relay.can_end_as_grpc()) return client_left();
  end_as_grpc(client_, status);
  return Next::done;
}

Forwarding::Next Forwarding::give_up() {
  if (is_late()) {
    reply_as_grpc(client_, GrpcStatus::deadline_exceeded, timeout_passed);
    return Next::done;
  }
  reply_locally(client_, record_->status);
  return Next::done;
}

Forwarding::Next Forwarding::client_left() {
  if (!client_.response.head_sent()) client_.exchange.record.status = 499;
  return Next::broken;
}

// That was not asked yet, and may still be: then an answer need not be the last word.
bool Forwarding::has_another_endpoint() const {
  if (settings().next_upstream.statuses == 0) return false;
  AttemptFacts facts;
  facts.failure = AttemptFailure::passed_over;
  facts.attempts = attempts_;
  facts.elapsed = client_.session.now() - began_;
  return attempts_ < client_.exchange.match.upstream->endpoints.size() &&
         decide_retry(facts, settings()) == RetryVerdict::another_endpoint;
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
  while (forwarding.goes_on()) {
    UpstreamSidePtr upstream = forwarding.begin();
    const InFlight counted(*forwarding.endpoint());
    if (!upstream) {
      Connected connected = co_await connect_upstream(client, forwarding.endpoint(), forwarding.connect_timeout());
      upstream = forwarding.take(std::move(connected));
    }
    if (!upstream) continue;
    Relay relay(client, *upstream, forwarding.record(), forwarding.has_another_endpoint());
    const RelayEnd end = co_await relay.run();
    if (end == RelayEnd::switched) co_await tunnel(client, *upstream);
    forwarding.after(end, relay, std::move(upstream));
  }
  co_return forwarding.client_is_usable();
}

}  // namespace fairlead

#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "proxy/arena.hpp"
#include "proxy/exchange_record.hpp"
#include "proxy/http1_framing.hpp"
#include "proxy/snapshot.hpp"
#include "proxy/timer_wheel.hpp"
#include "router/forwarded_headers.hpp"
#include "router/head.hpp"
#include "router/host_name.hpp"
#include "router/policies/policy.hpp"
#include "router/request_target.hpp"
#include "router/route_table.hpp"

namespace fairlead {

// One request and its response, whatever the protocol. Holds the Snapshot it was routed with from first byte to last,
// and all memory that its heads and edits need. Taken from a Worker's pool; an idle connection owns none.
struct Exchange {
  explicit Exchange(std::size_t max_header_count) {
    request_fields.reserve(max_header_count);
    response_fields.reserve(max_header_count);
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  void reset() {
    asked.reset();
    match = {};
    snapshot = {};
    upstream_edits.emplace(&arena);
    response_edits.emplace(&arena);
    arena.reset();
    request = {};
    framing = {};
    target = {};
    host = {};
    host_received = {};
    peer = {};
    local_port = 0;
    over_http2 = over_tls = tls_before = false;
    client = {};
    forward = {};
    deadline = LoopTime::max();
    record.reset();
  }

  Arena arena;
  std::vector<Field> request_fields;
  std::vector<Field> response_fields;
  RequestHead request;
  RequestFraming framing;
  RequestTarget target;
  char host_text[max_host_name];
  std::string_view host;           // canonical
  std::string_view host_received;  // as the Client wrote it, port and all
  IpAddress peer;                  // of the connection, or of its PROXY header
  std::uint16_t local_port = 0;    // where the Client connected to
  bool over_http2 = false;
  bool over_tls = false;    // here
  bool tls_before = false;  // at a load balancer, says its PROXY header
  ClientIdentity client;
  SnapshotRef snapshot;
  RouteMatch match;
  std::optional<HeadEdits> upstream_edits;  // always there between reset and the end
  std::optional<HeadEdits> response_edits;
  std::optional<PolicyRequest> asked;  // what the policies were shown
  std::string_view forward;            // path and query for the upstream
  std::chrono::microseconds started{0};
  LoopTime deadline = LoopTime::max();  // nobody waits for the response any longer: grpc-timeout
  char request_id_text[32];
  ExchangeRecord record;
};

// Exchanges that are not in use, kept for the next request. At most max_kept.
class ExchangePool {
 public:
  static constexpr std::size_t max_kept = 256;

  explicit ExchangePool(std::size_t max_header_count) : max_header_count_(max_header_count) { kept_.reserve(max_kept); }

  struct GiveBack {
    ExchangePool* pool;
    void operator()(Exchange* exchange) const { pool->give_back(exchange); }
  };
  using Pointer = std::unique_ptr<Exchange, GiveBack>;

  Pointer take() {
    std::unique_ptr<Exchange> exchange;
    if (kept_.empty()) {
      exchange = std::make_unique<Exchange>(max_header_count_);
    } else {
      exchange = std::move(kept_.back());
      kept_.pop_back();
    }
    exchange->reset();
    return Pointer(exchange.release(), GiveBack{this});
  }

 private:
  void give_back(Exchange* exchange) {
    std::unique_ptr<Exchange> owned(exchange);
    owned->snapshot = {};
    if (kept_.size() < max_kept) kept_.push_back(std::move(owned));
  }

  std::size_t max_header_count_;
  std::vector<std::unique_ptr<Exchange>> kept_;
};

}  // namespace fairlead

#pragma once

#include <atomic>
#include <cstdint>

#include "proxy/access_log.hpp"
#include "proxy/date_line.hpp"
#include "proxy/exchange.hpp"
#include "proxy/http2_shared.hpp"
#include "proxy/http2_upstream_pool.hpp"
#include "proxy/input_buffer.hpp"
#include "proxy/metrics.hpp"
#include "proxy/options.hpp"
#include "proxy/output.hpp"
#include "proxy/pipe_pool.hpp"
#include "proxy/snapshot.hpp"
#include "proxy/tls_stream.hpp"
#include "proxy/upstream_pool.hpp"
#include "router/load_balancer.hpp"
#include "tls/client_context.hpp"
#include "tls/server_context.hpp"

namespace fairlead {

// What all Workers share. Owned by Workers; outlives every one of them.
struct SharedContext {
  const Options& options;
  Log& log;
  const ServerContext& server_tls;
  const ClientContext& client_tls;
  std::atomic<std::uint32_t> connections{0};  // of clients, in the whole process
};

// What the connections of one Worker share. Only touched on its thread.
struct WorkerContext {
  WorkerContext(SharedContext& everybodys, ReadinessSet& set, WorkerMetrics& counted, int log_fd, std::uint64_t seed)
      : shared(everybodys),
        options(everybodys.options),
        limits(everybodys.options.limits),
        readiness(set),
        metrics(counted),
        access_log(log_fd, everybodys.options.log_format, counted.counters.access_log_dropped),
        trust{everybodys.options.use_forwarded_headers, everybodys.options.proxy_real_ip_cidr},
        pipes(everybodys.options.limits.max_splice_pipes),
        exchanges(everybodys.options.limits.max_header_count),
        upstreams(everybodys.options.limits, set, counted.counters.limit_hits),
        http2_upstreams(*this),
        balancer(seed) {}

  SharedContext& shared;
  const Options& options;
  const Limits& limits;
  ReadinessSet& readiness;
  WorkerMetrics& metrics;
  AccessLog access_log;
  const ForwardedTrust trust;
  ScratchBuffer scratch;
  GatherScratch gather;
  TlsScratch tls_scratch;
  DateLine date;
  PipePool pipes;
  ExchangePool exchanges;
  Http2Shared http2;
  UpstreamPool upstreams;
  Http2UpstreamPool http2_upstreams;
  LoadBalancer balancer;
  SnapshotRef snapshot;
  bool leaving = false;   // responses close their connections
  bool draining = false;  // idle connections go soon, too
};

}  // namespace fairlead

#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "proxy/counter.hpp"

namespace fairlead {

// How often each limit was hit, by its name: that of the field of Limits, or proxy_body_size.
class LimitHits {
 public:
  static std::span<const std::string_view> names();  // the last one, "other", stands for all unknown names

  void add(std::string_view name);
  std::uint64_t value(std::size_t index) const { return counts_[index].value(); }

 private:
  static constexpr std::size_t max_names = 48;
  std::array<Counter, max_names> counts_;
};

// What one Worker counts beside its requests. Written by the Worker, read by whoever scrapes.
struct WorkerCounters {
  // Clients' connections. active = reading + writing + waiting, as nginx has it.
  Counter accepted;  // to be served: without those that were shed
  Counter accept_errors;
  Counter shed;   // closed at once because of max_connections or because descriptors ran out
  Level active;   // open now
  Level reading;  // in a request's head, a TLS handshake or a PROXY header
  Level writing;  // a request is being served
  Level waiting;  // idle between requests
  Counter tls_handshakes;
  Counter tls_failures;

  Counter http2_connections;

  Counter upstream_connects;  // attempted
  Counter upstream_connect_failures;
  Counter upstream_reuses;
  Counter retries;  // attempts after the first; counted by WorkerMetrics::record

  // Counted by WorkerMetrics::record.
  Counter requests;
  Counter requests_http10, requests_http2;  // of these; the rest is HTTP/1.1
  LimitHits limit_hits;
  Counter access_log_dropped;  // lines
};

}  // namespace fairlead

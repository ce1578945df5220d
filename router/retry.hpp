#pragma once

#include <chrono>
#include <cstdint>

#include "router/config.hpp"
#include "router/head.hpp"

namespace fairlead {

// How an attempt at an Endpoint ended without a response head.
enum class AttemptFailure : std::uint8_t {
  connect_refused,  // refused, unreachable, TLS handshake failed: the request was not sent
  connect_timeout,
  closed_before_response,  // reset or closed after (part of) the request was sent
  read_timeout,
  invalid_response,  // unparsable or over a limit
  stream_reset,      // HTTP/2: of this request alone
  refused,           // HTTP/2: RST_STREAM with REFUSED_STREAM: nothing was done for it (RFC 9113 8.7)
  going_away,        // HTTP/2: GOAWAY, before this stream: likewise (RFC 9113 6.8)
  passed_over,       // an answer that another Endpoint is to be asked for instead: see is_passed_over
};

// What is known when an attempt failed.
struct AttemptFacts {
  AttemptFailure failure = AttemptFailure::connect_refused;
  Method method = Method::get;
  bool connection_was_reused = false;
  bool request_bytes_sent = false;       // any byte of the request may have reached the upstream
  bool body_consumed = false;            // body bytes were taken from the client and are not held any more
  std::uint32_t attempts = 1;            // made so far, not counting replacements of stale reused connections
  std::chrono::milliseconds elapsed{0};  // since the first attempt began
};

enum class RetryVerdict : std::uint8_t {
  give_up,           // answer 502 or 504
  same_again,        // a stale pooled connection: try once more on a fresh connection; costs no attempt
  another_endpoint,  // counts as an attempt
};

// Whether an answer is one of those that proxy-next-upstream sends to another Endpoint: a status that it names, or,
// with http_503, gRPC's UNAVAILABLE in the place of any message. UNAVAILABLE does not say that nothing was done, hence
// non_idempotent is needed beside it; and a service that says when to come back (grpc-retry-pushback-ms) means its
// client.
bool is_passed_over(const ResponseHead& head, bool grpc, const NextUpstream& next);

// Pure. Of what proxy-next-upstream sends to another Endpoint, a request of a method that is not idempotent is not
// repeated once bytes of it went out (RFC 9110 9.2.2) unless that says non_idempotent, and nothing is repeated whose
// body cannot be sent again.
RetryVerdict decide_retry(const AttemptFacts& facts, const PathSettings& settings);

}  // namespace fairlead

#include "router/retry.hpp"

#include "router/grpc.hpp"

namespace fairlead {
namespace {

// ingress-nginx takes 0 for "as many as there are endpoints"; we bound it.
constexpr std::uint32_t most_tries = 8;

bool may_try_again(const AttemptFacts& facts, const PathSettings& settings) {
  const std::uint32_t tries = settings.next_upstream_tries == 0 ? most_tries : settings.next_upstream_tries;
  const bool in_time = settings.next_upstream_timeout.count() == 0 || facts.elapsed < settings.next_upstream_timeout;
  return facts.attempts < tries && in_time;
}

bool is_sent_on(AttemptFailure failure, const NextUpstream& next) {
  switch (failure) {
    case AttemptFailure::connect_refused:
    case AttemptFailure::closed_before_response:
    case AttemptFailure::stream_reset:
    case AttemptFailure::refused:
    case AttemptFailure::going_away:
      return next.error;
    case AttemptFailure::connect_timeout:
    case AttemptFailure::read_timeout:
      return next.timeout;
    case AttemptFailure::invalid_response:
      return next.invalid_header;
    case AttemptFailure::passed_over:
      return true;
  }
  return false;
}

}  // namespace

bool is_passed_over(const ResponseHead& head, bool grpc, const NextUpstream& next) {
  if (next.has_status(head.status)) return true;
  if (!grpc || head.status != 200 || !next.has_status(503)) return false;
  const Field* const status = head.fields.find("grpc-status");
  return status && parse_grpc_status(status->value) == GrpcStatus::unavailable &&
         !head.fields.find("grpc-retry-pushback-ms");
}

RetryVerdict decide_retry(const AttemptFacts& facts, const PathSettings& settings) {
  const NextUpstream& next = settings.next_upstream;
  if (facts.body_consumed) return RetryVerdict::give_up;
  const bool going_away = facts.failure == AttemptFailure::going_away;
  const bool untouched = !facts.request_bytes_sent || going_away || facts.failure == AttemptFailure::refused;
  if (!untouched && !next.non_idempotent && !is_idempotent(facts.method)) return RetryVerdict::give_up;
  if (facts.connection_was_reused && (going_away || facts.failure == AttemptFailure::closed_before_response)) {
    return RetryVerdict::same_again;
  }
  if (!is_sent_on(facts.failure, next)) return RetryVerdict::give_up;
  return may_try_again(facts, settings) ? RetryVerdict::another_endpoint : RetryVerdict::give_up;
}

}  // namespace fairlead

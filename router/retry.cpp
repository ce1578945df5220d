#include "router/retry.hpp"

namespace fairlead {
namespace {

// ingress-nginx takes 0 for "as many as there are endpoints"; we bound it.
constexpr std::uint32_t most_tries = 8;

bool may_try_again(const AttemptFacts& facts, const PathSettings& settings) {
  const std::uint32_t tries = settings.next_upstream_tries == 0 ? most_tries : settings.next_upstream_tries;
  const bool in_time = settings.next_upstream_timeout.count() == 0 || facts.elapsed < settings.next_upstream_timeout;
  return facts.attempts < tries && in_time;
}

}  // namespace

RetryVerdict decide_retry(const AttemptFacts& facts, const PathSettings& settings) {
  if (facts.body_consumed || facts.failure == AttemptFailure::invalid_response) return RetryVerdict::give_up;
  const bool going_away = facts.failure == AttemptFailure::going_away;
  const bool untouched = !facts.request_bytes_sent || going_away || facts.failure == AttemptFailure::refused;
  if (!untouched && !is_idempotent(facts.method)) return RetryVerdict::give_up;
  if (facts.connection_was_reused && (going_away || facts.failure == AttemptFailure::closed_before_response)) {
    return RetryVerdict::same_again;
  }
  return may_try_again(facts, settings) ? RetryVerdict::another_endpoint : RetryVerdict::give_up;
}

}  // namespace fairlead

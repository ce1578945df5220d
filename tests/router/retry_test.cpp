#include "router/retry.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

using std::chrono::milliseconds;

AttemptFacts facts(AttemptFailure failure, Method method, bool sent) {
  AttemptFacts result;
  result.failure = failure;
  result.method = method;
  result.request_bytes_sent = sent;
  return result;
}

TEST(Retry, APostIsNotRepeatedOnceBytesWentOut) {
  EXPECT_EQ(decide_retry(facts(AttemptFailure::closed_before_response, Method::post, true), {}), RetryVerdict::give_up);
  EXPECT_EQ(decide_retry(facts(AttemptFailure::connect_refused, Method::post, false), {}),
            RetryVerdict::another_endpoint);
}

TEST(Retry, AStaleReusedConnectionCostsNoAttempt) {
  AttemptFacts stale = facts(AttemptFailure::closed_before_response, Method::get, true);
  stale.connection_was_reused = true;
  stale.attempts = 3;
  EXPECT_EQ(decide_retry(stale, {}), RetryVerdict::same_again);
  stale.method = Method::post;
  EXPECT_EQ(decide_retry(stale, {}), RetryVerdict::give_up);
}

TEST(Retry, ABodyThatIsGoneCannotBeSentAgain) {
  AttemptFacts consumed = facts(AttemptFailure::connect_refused, Method::put, false);
  consumed.body_consumed = true;
  EXPECT_EQ(decide_retry(consumed, {}), RetryVerdict::give_up);
}

TEST(Retry, StopsAtTheNumberOfTriesAndAtTheTime) {
  PathSettings settings;
  settings.next_upstream_tries = 2;
  AttemptFacts refused = facts(AttemptFailure::connect_refused, Method::get, false);
  EXPECT_EQ(decide_retry(refused, settings), RetryVerdict::another_endpoint);
  refused.attempts = 2;
  EXPECT_EQ(decide_retry(refused, settings), RetryVerdict::give_up);
  refused.attempts = 1;
  settings.next_upstream_timeout = milliseconds(100);
  refused.elapsed = milliseconds(100);
  EXPECT_EQ(decide_retry(refused, settings), RetryVerdict::give_up);
}

TEST(Retry, WhatTheUpstreamDidNotLookAtIsRepeatedWhateverItsMethod) {
  AttemptFacts refused = facts(AttemptFailure::refused, Method::post, true);
  EXPECT_EQ(decide_retry(refused, {}), RetryVerdict::another_endpoint);
  refused.attempts = 3;
  EXPECT_EQ(decide_retry(refused, {}), RetryVerdict::give_up);
  refused.attempts = 1;
  refused.body_consumed = true;
  EXPECT_EQ(decide_retry(refused, {}), RetryVerdict::give_up);
}

TEST(Retry, AConnectionThatWasAboutToGoCostsNoAttempt) {
  AttemptFacts gone = facts(AttemptFailure::going_away, Method::post, true);
  gone.attempts = 3;
  EXPECT_EQ(decide_retry(gone, {}), RetryVerdict::give_up);
  gone.connection_was_reused = true;
  EXPECT_EQ(decide_retry(gone, {}), RetryVerdict::same_again);
}

TEST(Retry, AStreamThatWasResetIsRepeatedOnlyIfItMayBe) {
  AttemptFacts reset = facts(AttemptFailure::stream_reset, Method::get, true);
  reset.connection_was_reused = true;
  EXPECT_EQ(decide_retry(reset, {}), RetryVerdict::another_endpoint) << "nothing was stale";
  reset.method = Method::post;
  EXPECT_EQ(decide_retry(reset, {}), RetryVerdict::give_up);
}

TEST(Retry, AnInvalidResponseIsNeverRetried) {
  EXPECT_EQ(decide_retry(facts(AttemptFailure::invalid_response, Method::get, true), {}), RetryVerdict::give_up);
}

}  // namespace
}  // namespace fairlead

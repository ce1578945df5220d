#include "router/retry.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

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

TEST(Retry, DoesWhatProxyNextUpstreamSays) {
  struct Case {
    AttemptFailure failure;
    const char* word;  // that it takes
  };
  for (const Case& each :
       {Case{AttemptFailure::connect_refused, "error"}, Case{AttemptFailure::connect_timeout, "timeout"},
        Case{AttemptFailure::closed_before_response, "error"}, Case{AttemptFailure::read_timeout, "timeout"},
        Case{AttemptFailure::invalid_response, "invalid_header"}}) {
    PathSettings settings;
    settings.next_upstream = NextUpstream::none();
    settings.next_upstream.add(each.word);
    EXPECT_EQ(decide_retry(facts(each.failure, Method::get, true), settings), RetryVerdict::another_endpoint);
    settings.next_upstream = NextUpstream::none();
    for (const char* other : {"error", "timeout", "invalid_header", "non_idempotent", "http_503"}) {
      if (std::string_view(other) != each.word) settings.next_upstream.add(other);
    }
    EXPECT_EQ(decide_retry(facts(each.failure, Method::get, true), settings), RetryVerdict::give_up) << each.word;
  }
}

TEST(Retry, AnInvalidResponseIsNotRetriedUnlessAskedFor) {
  EXPECT_EQ(decide_retry(facts(AttemptFailure::invalid_response, Method::get, true), {}), RetryVerdict::give_up);
}

TEST(Retry, APostIsRepeatedWhereThatIsAskedForAndItsBodyIsStillThere) {
  PathSettings settings;
  settings.next_upstream.non_idempotent = true;
  AttemptFacts posted = facts(AttemptFailure::passed_over, Method::post, true);
  EXPECT_EQ(decide_retry(posted, settings), RetryVerdict::another_endpoint);
  EXPECT_EQ(decide_retry(posted, {}), RetryVerdict::give_up);
  posted.body_consumed = true;
  EXPECT_EQ(decide_retry(posted, settings), RetryVerdict::give_up);
}

bool passed_over(int status, const std::vector<Field>& fields, bool grpc, const std::string& words) {
  NextUpstream next = NextUpstream::none();
  next.add(words);
  ResponseHead head;
  head.status = status;
  head.fields.list = fields;
  return is_passed_over(head, grpc, next);
}

TEST(Retry, AStatusIsPassedOverIfItIsNamed) {
  EXPECT_TRUE(passed_over(503, {}, false, "http_503"));
  EXPECT_TRUE(passed_over(404, {}, true, "http_404"));
  EXPECT_FALSE(passed_over(502, {}, false, "http_503"));
  EXPECT_FALSE(passed_over(503, {}, false, "error"));
  EXPECT_FALSE(passed_over(200, {}, false, "http_503"));
}

TEST(Retry, UnavailableInPlaceOfAMessageIsPassedOverAs503) {
  const Field unavailable{"grpc-status", "14", FieldName::other}, not_found{"grpc-status", "5", FieldName::other};
  const Field later{"grpc-retry-pushback-ms", "100", FieldName::other};
  EXPECT_TRUE(passed_over(200, {unavailable}, true, "http_503"));
  EXPECT_FALSE(passed_over(200, {unavailable}, false, "http_503")) << "not of gRPC";
  EXPECT_FALSE(passed_over(200, {unavailable}, true, "http_502"));
  EXPECT_FALSE(passed_over(200, {not_found}, true, "http_503"));
  EXPECT_FALSE(passed_over(200, {}, true, "http_503")) << "messages follow";
  EXPECT_FALSE(passed_over(200, {unavailable, later}, true, "http_503")) << "the client is told when to come back";
}

}  // namespace
}  // namespace fairlead

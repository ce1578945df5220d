#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/router/policies/probe.hpp"
#include "tests/support/allocation_count.hpp"

namespace fairlead {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::shared_ptr<const Policy> cors(PolicyParse::Annotations annotations) {
  annotations["enable-cors"] = "true";
  return policy_in(parse(annotations), "cors");
}

std::string allowed(const Policy& policy, std::string_view origin) {
  Probe probe;
  probe.field("Origin", origin);
  probe.answer(policy);
  return probe.response("Access-Control-Allow-Origin").value_or("");
}

TEST(Cors, IsOffByDefault) {
  EXPECT_EQ(policy_in(parse({}), "cors"), nullptr);
}

TEST(Cors, AllowsEveryOriginWithCredentialsByDefault) {
  Probe probe;
  probe.field("Origin", "https://a.example.com");
  const auto policy = cors({});
  probe.answer(*policy);
  EXPECT_EQ(probe.response("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(probe.response("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(probe.response("Access-Control-Allow-Methods"), "GET, PUT, POST, DELETE, PATCH, OPTIONS");
  EXPECT_EQ(probe.response("Access-Control-Allow-Headers"),
            "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,"
            "Authorization");
  EXPECT_EQ(probe.response("Access-Control-Max-Age"), "1728000");
  EXPECT_EQ(probe.response("Access-Control-Expose-Headers"), std::nullopt);
  EXPECT_EQ(probe.response("Vary"), std::nullopt);
}

TEST(Cors, SaysThatEveryOriginWithCredentialsIsUnsafe) {
  EXPECT_THAT(findings(parse({{"enable-cors", "true"}})), ElementsAre(HasSubstr("notice cors-allow-origin")));
  EXPECT_THAT(findings(parse({{"enable-cors", "true"}, {"cors-allow-credentials", "false"}})), IsEmpty());
  EXPECT_THAT(findings(parse({{"enable-cors", "true"}, {"cors-allow-origin", "https://a.example.com"}})), IsEmpty());
}

TEST(Cors, EchoesAListedOrigin) {
  const auto policy =
      cors({{"cors-allow-origin", "https://a.example.com, http://b.example.com:8080 ,https://*.c.example, null"}});
  const struct {
    std::string_view origin;
    bool allowed;
  } cases[] = {
      {"https://a.example.com", true},
      {"https://A.example.COM", true},
      {"http://a.example.com", false},
      {"https://a.example.com:8443", false},
      {"https://a.example.com.evil.example", false},
      {"xhttps://a.example.com", false},
      {"http://b.example.com:8080", true},
      {"http://b.example.com", false},
      {"https://x.c.example", true},
      {"https://X-1.C.example", true},
      {"https://.c.example", false},
      {"https://c.example", false},
      {"https://x.y.c.example", false},  // one label only
      {"https://evil_.c.example", false},
      {"https://x.c.example.evil", false},
      {"null", true},
      {"", false},
  };
  for (const auto& entry : cases) {
    EXPECT_EQ(allowed(*policy, entry.origin), entry.allowed ? entry.origin : "") << entry.origin;
  }
}

TEST(Cors, SendsNothingToAnOriginThatIsNotListed) {
  Probe probe;
  probe.field("Origin", "https://evil.example");
  probe.answer(*cors({{"cors-allow-origin", "https://a.example.com"}}));
  EXPECT_TRUE(probe.response_edits.empty());
}

TEST(Cors, TakesAStarInAListForEveryOrigin) {
  EXPECT_EQ(allowed(*cors({{"cors-allow-origin", "https://a.example.com, *"}}), "https://b.example.com"), "*");
}

TEST(Cors, AnswersAPreflight) {
  Probe probe;
  probe.head.method = Method::options;
  probe.field("Origin", "https://a.example.com");
  const Outcome outcome = probe.ask(*cors({{"cors-allow-origin", "https://a.example.com"}}));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status, 204);
  EXPECT_EQ(outcome->content_type, "text/plain charset=UTF-8");
  EXPECT_TRUE(outcome->no_body);
}

TEST(Cors, LeavesAPreflightOfAnotherOriginToTheUpstream) {
  Probe probe;
  probe.head.method = Method::options;
  probe.field("Origin", "https://evil.example");
  EXPECT_FALSE(probe.ask(*cors({{"cors-allow-origin", "https://a.example.com"}})));
}

TEST(Cors, LeavesOtherMethodsToTheUpstream) {
  Probe probe;
  probe.field("Origin", "https://a.example.com");
  EXPECT_FALSE(probe.ask(*cors({})));
}

TEST(Cors, AnswersAPreflightBeforeAnythingElse) {
  const auto result = parse({{"enable-cors", "true"},
                             {"force-ssl-redirect", "true"},
                             {"permanent-redirect", "https://example.com"},
                             {"allowlist-source-range", "10.0.0.0/8"}});
  EXPECT_TRUE(result.policies.front().policy->describe().starts_with("cors"));
}

TEST(Cors, SendsWhatTheAnnotationsSay) {
  const auto policy = cors({{"cors-allow-methods", "GET, PUT"},
                            {"cors-allow-headers", "X-A, X_B"},
                            {"cors-expose-headers", "*, X-C"},
                            {"cors-allow-credentials", "false"},
                            {"cors-max-age", "600"}});
  Probe probe;
  probe.answer(*policy);
  EXPECT_EQ(probe.response("Access-Control-Allow-Methods"), "GET, PUT");
  EXPECT_EQ(probe.response("Access-Control-Allow-Headers"), "X-A, X_B");
  EXPECT_EQ(probe.response("Access-Control-Expose-Headers"), "*, X-C");
  EXPECT_EQ(probe.response("Access-Control-Allow-Credentials"), std::nullopt);
  EXPECT_EQ(probe.response("Access-Control-Max-Age"), "600");
}

TEST(Cors, TakesListsThatGoOverSeveralLines) {
  const auto result = parse({{"enable-cors", "true"},
                             {"cors-allow-origin", "https://a.example.com,\n  https://b.example.com\n"},
                             {"cors-allow-methods", "GET,\nPUT\n"},
                             {"cors-allow-headers", "X-A,\r\n  X-B"},
                             {"cors-expose-headers", "X-C,\n\n  X-D\n"}});
  EXPECT_THAT(findings(result), IsEmpty());
  const auto policy = policy_in(result, "cors");
  Probe probe;
  probe.field("Origin", "https://b.example.com");
  probe.answer(*policy);
  EXPECT_EQ(probe.response("Access-Control-Allow-Origin"), "https://b.example.com");
  EXPECT_EQ(probe.response("Access-Control-Allow-Methods"), "GET, PUT");
  EXPECT_EQ(probe.response("Access-Control-Allow-Headers"), "X-A, X-B");
  EXPECT_EQ(probe.response("Access-Control-Expose-Headers"), "X-C, X-D");
}

TEST(Cors, NeedsCommasBetweenLinesToo) {
  const auto result = parse(
      {{"enable-cors", "true"}, {"cors-allow-origin", "https://a.test"}, {"cors-allow-methods", "GET\nSet-Cookie: x"}});
  EXPECT_THAT(findings(result), ElementsAre(HasSubstr("cors-allow-methods")));
  Probe probe;
  probe.field("Origin", "https://a.test");
  probe.answer(*policy_in(result, "cors"));
  EXPECT_EQ(probe.response("Access-Control-Allow-Methods"), "GET, PUT, POST, DELETE, PATCH, OPTIONS");
}

TEST(Cors, ReplacesTheHeadersOfTheUpstream) {
  Probe probe;
  const auto policy = cors({});
  probe.answer(*policy);
  constexpr std::string_view header = "access-control-allow-origin";
  EXPECT_TRUE(probe.response_edits.drops({header, "https://x.example", field_name(header)}));
}

TEST(Cors, LeavesOutOriginsThatAreNone) {
  const auto result = parse(
      {{"enable-cors", "true"}, {"cors-allow-origin", "a.example.com,https://b.example.com/x,https://c.example.com"}});
  EXPECT_THAT(findings(result),
              ElementsAre(HasSubstr("\"a.example.com\" is no origin"), HasSubstr("/x\" is no origin")));
  const auto policy = policy_in(result, "cors");
  EXPECT_EQ(allowed(*policy, "https://c.example.com"), "https://c.example.com");
  EXPECT_EQ(allowed(*policy, "https://b.example.com"), "");
}

TEST(Cors, AllowsNoOriginWhenNoneIsUsable) {
  const auto result = parse({{"enable-cors", "true"}, {"cors-allow-origin", "a.example.com"}});
  EXPECT_EQ(policy_in(result, "cors"), nullptr);
  EXPECT_THAT(findings(result), Contains(HasSubstr("no usable origin")));
}

TEST(Cors, NotesAnnotationsThatHaveNoEffect) {
  EXPECT_THAT(findings(parse({{"cors-max-age", "5"}})), ElementsAre(HasSubstr("notice cors-max-age: has no effect")));
}

TEST(Cors, DoesNotTouchTheHeap) {
  const auto policy = cors({{"cors-allow-origin", "https://a.example.com"}});
  Probe probe;
  probe.field("Origin", "https://a.example.com");
  const std::size_t before = allocation_count();
  const Outcome outcome = probe.ask(*policy);
  probe.answer(*policy);
  EXPECT_EQ(allocation_count(), before);
  EXPECT_FALSE(outcome);
  EXPECT_FALSE(probe.response_edits.empty());
}

}  // namespace
}  // namespace fairlead

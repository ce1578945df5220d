#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/router/policies/probe.hpp"
#include "tests/support/allocation_count.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ResponseHeaders, SetAddAndRemove) {
  const auto result =
      parse({{"response-headers", "X-Frame-Options: DENY\r\n  -X-Powered-By\n\n+Set-Cookie:a=b; Path=/\nX-Empty:"}});
  const auto policy = policy_in(result, "response-headers");
  ASSERT_NE(policy, nullptr);
  EXPECT_THAT(findings(result), IsEmpty());
  EXPECT_EQ(policy->describe(),
            "response-headers [X-Frame-Options: DENY] [-X-Powered-By] [+Set-Cookie: a=b; Path=/] [X-Empty: ]");
  Probe probe;
  probe.answer(*policy);
  const auto drops = [&](std::string_view name) { return probe.response_edits.drops({name, "x", field_name(name)}); };
  EXPECT_EQ(probe.response("x-frame-options"), "DENY");
  EXPECT_TRUE(drops("x-frame-options"));
  EXPECT_TRUE(drops("x-powered-by"));
  EXPECT_EQ(probe.response("x-powered-by"), std::nullopt);
  EXPECT_EQ(probe.response("set-cookie"), "a=b; Path=/");
  EXPECT_FALSE(drops("set-cookie"));
  EXPECT_EQ(probe.response("x-empty"), "");
}

TEST(ResponseHeaders, LeaveOutALineThatCannotBeUsed) {
  const struct {
    std::string line;
    std::string_view why;
  } cases[] = {
      {"no colon here", "is none of"},
      {"-X-A: value", "is none of"},
      {"+X-A", "is none of"},
      {"X A: b", "no usable header name"},
      {": b", "no usable header name"},
      {"-", "no usable header name"},
      {"X-A: b\x01", "control characters"},
      {"X-A: b\rX-B: c", "control characters"},
      {"Content-Length: 5", "framing"},
      {"-transfer-encoding", "framing"},
      {"Connection: close", "framing"},
      {"+Upgrade: h2c", "framing"},
      {"Keep-Alive: timeout=5", "framing"},
      {"Trailer: X-A", "framing"},
  };
  for (const auto& entry : cases) {
    const auto result = parse({{"response-headers", "X-Good: 1\n" + entry.line}});
    EXPECT_THAT(findings(result), ElementsAre(HasSubstr(std::string(entry.why)))) << entry.line;
    EXPECT_FALSE(result.denied || result.rejected);
    EXPECT_NE(policy_in(result, "response-headers [X-Good: 1]"), nullptr) << entry.line;
  }
}

TEST(ResponseHeaders, MayHaveSixtyFourLinesAndNotOneMore) {
  std::string lines;
  for (int i = 0; i < 64; ++i) lines += "X-" + std::to_string(i) + ": y\n";
  EXPECT_NE(policy_in(parse({{"response-headers", lines}}), "response-headers"), nullptr);
  const auto result = parse({{"response-headers", lines + "X-64: y"}});
  EXPECT_EQ(policy_in(result, "response-headers"), nullptr);
  EXPECT_THAT(findings(result), ElementsAre(HasSubstr("more than 64 lines")));
}

TEST(ResponseHeaders, HaveTheLastWord) {
  const auto result = parse({{"response-headers", "Strict-Transport-Security: max-age=1"}});
  Probe probe;
  probe.https = true;
  for (const auto& staged : result.policies) probe.answer(*staged.policy);
  EXPECT_EQ(probe.response("strict-transport-security"), "max-age=1");
}

TEST(ResponseHeaders, AreWhatCustomHeadersIsToldToUse) {
  EXPECT_THAT(findings(parse({{"custom-headers", "ns/map"}})), ElementsAre(HasSubstr("Use response-headers")));
}

TEST(ResponseHeaders, DoNotTouchTheHeap) {
  const auto policy = policy_in(parse({{"response-headers", "X-A: b\n-X-B\n+X-C: d"}}), "response-headers");
  Probe probe;
  const std::size_t before = allocation_count();
  probe.answer(*policy);
  EXPECT_EQ(allocation_count(), before);
  EXPECT_EQ(probe.response_edits.list().size(), 3u);
}

}  // namespace
}  // namespace fairlead

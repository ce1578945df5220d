#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/router/policies/probe.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string redirect(const PolicyParse::Annotations& annotations) {
  const auto policy = policy_in(parse(annotations), "redirect");
  if (!policy) return "";
  Probe probe("/a?b");
  const Outcome outcome = probe.ask(*policy);
  return std::to_string(outcome->status) + " " + std::string(outcome->location);
}

TEST(PermanentRedirect, AnswersEveryRequestWithTheUrl) {
  EXPECT_EQ(redirect({{"permanent-redirect", "https://example.com/new?x=y"}}), "301 https://example.com/new?x=y");
  EXPECT_EQ(redirect({{"temporal-redirect", "http://example.com"}}), "302 http://example.com");
}

TEST(PermanentRedirect, TakesTheCodeThatIsAskedFor) {
  const auto permanent = [](const std::string& code) {
    return redirect({{"permanent-redirect", "https://e.example"}, {"permanent-redirect-code", code}}).substr(0, 3);
  };
  EXPECT_EQ(permanent("308"), "308");
  EXPECT_EQ(permanent("302"), "302");
  EXPECT_EQ(permanent("309"), "301");
  EXPECT_EQ(permanent("200"), "301");
  EXPECT_EQ(permanent("304"), "301");  // not a redirect
  const auto temporal = [](const std::string& code) {
    return redirect({{"temporal-redirect", "https://e.example"}, {"temporal-redirect-code", code}}).substr(0, 3);
  };
  EXPECT_EQ(temporal("307"), "307");
  EXPECT_EQ(temporal("308"), "302");
  EXPECT_EQ(temporal("x"), "302");
}

TEST(PermanentRedirect, IsBeatenByTheTemporalOne) {
  const PolicyParse::Annotations both{{"permanent-redirect", "https://p.example"},
                                      {"temporal-redirect", "https://t.example"}};
  EXPECT_EQ(redirect(both), "302 https://t.example");
  EXPECT_THAT(findings(parse(both)), ElementsAre(HasSubstr("warning permanent-redirect: has no effect")));
}

TEST(PermanentRedirect, RejectsTheIngressWhoseUrlIsNone) {
  for (const std::string bad :
       {"/path", "ftp://example.com", "https://", "https:///x", "https://e.example/$request_uri",
        "https://e.example/a b", "https://e.example/\r\nSet-Cookie: a=b"}) {
    const auto result = parse({{"permanent-redirect", bad}});
    EXPECT_TRUE(result.rejected) << bad;
    EXPECT_THAT(findings(result), ElementsAre(HasSubstr("error permanent-redirect"))) << bad;
  }
  EXPECT_TRUE(parse({{"temporal-redirect", "/path"}}).rejected);
}

TEST(PermanentRedirect, SaysWhenACodeStandsAlone) {
  EXPECT_THAT(findings(parse({{"permanent-redirect-code", "308"}})), ElementsAre(HasSubstr("no effect without")));
  EXPECT_THAT(findings(parse({{"permanent-redirect", "https://e.example"}, {"permanent-redirect-code", "308"}})),
              IsEmpty());
}

}  // namespace
}  // namespace fairlead

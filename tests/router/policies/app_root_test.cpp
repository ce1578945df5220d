#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/router/policies/probe.hpp"

namespace fairlead {
namespace {

TEST(AppRoot, RedirectsTheRootOfTheHost) {
  const auto policy = policy_in(parse({{"app-root", "/app1"}}), "app-root");
  ASSERT_NE(policy, nullptr);
  Probe probe("/?a=b");
  probe.field("Host", "shop.example.com:8080");
  const Outcome outcome = probe.ask(*policy);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status, 302);
  EXPECT_EQ(outcome->location, "http://shop.example.com:8080/app1");
}

TEST(AppRoot, KeepsTheSchemeOfTheClient) {
  Probe probe;
  probe.https = true;
  probe.field("Host", "shop.example.com");
  EXPECT_EQ(probe.ask(*policy_in(parse({{"app-root", "/a"}}), "app-root"))->location, "https://shop.example.com/a");
}

TEST(AppRoot, UsesTheAuthorityOfAnAbsoluteForm) {
  Probe probe;
  probe.target.authority = "shop.example.com:81";
  EXPECT_EQ(probe.ask(*policy_in(parse({{"app-root", "/a"}}), "app-root"))->location, "http://shop.example.com:81/a");
}

TEST(AppRoot, IsRelativeForAClientThatNamesNoHost) {
  Probe probe;
  const auto policy = policy_in(parse({{"app-root", "/a"}}), "app-root");
  EXPECT_EQ(probe.ask(*policy)->location, "/a");
}

TEST(AppRoot, LeavesOtherPathsAlone) {
  Probe probe("/a");
  EXPECT_FALSE(probe.ask(*policy_in(parse({{"app-root", "/a"}}), "app-root")));
}

TEST(AppRoot, IsIgnoredLoudlyWhenItIsNoPath) {
  for (const std::string bad : {"https://example.com/", "app", "/$host", "/a?b", "/a\r\nX: y"}) {
    const auto result = parse({{"app-root", bad}});
    EXPECT_EQ(policy_in(result, "app-root"), nullptr) << bad;
    EXPECT_THAT(findings(result), testing::ElementsAre(testing::HasSubstr("warning app-root"))) << bad;
  }
}

}  // namespace
}  // namespace fairlead

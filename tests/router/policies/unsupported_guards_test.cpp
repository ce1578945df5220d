#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/router/policies/probe.hpp"

namespace fairlead {
namespace {

TEST(UnsupportedGuards, CloseWhatTheyShouldGuard) {
  for (const std::string name : {"auth-url", "auth-type", "auth-tls-secret", "denylist-source-range"}) {
    const auto result = parse({{name, "x"}});
    EXPECT_TRUE(result.denied) << name;
    EXPECT_FALSE(result.rejected) << name;
    EXPECT_EQ(result.denies_host, name == "auth-tls-secret") << name;
    EXPECT_THAT(findings(result), testing::ElementsAre(testing::StartsWith("error " + name + ": not supported yet")));
  }
}

TEST(UnsupportedGuards, LeaveTheirCompanionsToThemselves) {
  EXPECT_FALSE(parse({{"auth-realm", "members"}, {"auth-secret", "users"}}).denied);
  EXPECT_FALSE(parse({}).denied);
}

}  // namespace
}  // namespace fairlead

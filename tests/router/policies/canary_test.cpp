#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/router/policies/probe.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Canary, IsNotServedLikeAnOrdinaryIngress) {
  const auto result = parse({{"canary", "true"}, {"canary-weight", "10"}});
  EXPECT_TRUE(result.rejected);
  EXPECT_THAT(findings(result), ElementsAre(StartsWith("error canary: canaries are not supported yet")));
}

TEST(Canary, ThatIsOffIsAnOrdinaryIngress) {
  const auto result = parse({{"canary", "false"}, {"canary-weight", "10"}});
  EXPECT_FALSE(result.rejected);
  EXPECT_THAT(findings(result), ElementsAre(HasSubstr("canary-weight: has no effect without canary")));
  EXPECT_THAT(findings(parse({{"canary-by-header", "X-Canary"}})), ElementsAre(HasSubstr("has no effect")));
}

}  // namespace
}  // namespace fairlead

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/router/policies/probe.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(LoadBalance, SaysNothingWithoutTheAnnotation) {
  EXPECT_EQ(parse({}).balancing, std::nullopt);
}

TEST(LoadBalance, TakesRoundRobin) {
  const auto result = parse({{"load-balance", "round_robin"}});
  EXPECT_EQ(result.balancing, Balancing::round_robin);
  EXPECT_THAT(findings(result), IsEmpty());
}

TEST(LoadBalance, ServesEwmaAsTwoChoicesAndSaysSo) {
  const auto result = parse({{"load-balance", "ewma"}});
  EXPECT_EQ(result.balancing, Balancing::power_of_two);
  EXPECT_THAT(findings(result), ElementsAre(HasSubstr("notice load-balance")));
}

TEST(LoadBalance, FallsBackToRoundRobin) {
  const auto result = parse({{"load-balance", "least_conn"}});
  EXPECT_EQ(result.balancing, Balancing::round_robin);
  EXPECT_THAT(findings(result), ElementsAre(HasSubstr("warning load-balance: \"least_conn\" is unknown")));
}

}  // namespace
}  // namespace fairlead

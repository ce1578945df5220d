#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/router/policies/probe.hpp"

namespace fairlead {
namespace {

TEST(Snippets, CostTheWholeVersionOfTheIngress) {
  for (const std::string name :
       {"configuration-snippet", "server-snippet", "auth-snippet", "stream-snippet", "modsecurity-snippet"}) {
    const auto result = parse({{name, "return 200;"}});
    EXPECT_TRUE(result.rejected) << name;
    EXPECT_THAT(findings(result), testing::ElementsAre(testing::StartsWith("error " + name + ": nginx configuration")));
  }
  EXPECT_FALSE(parse({}).rejected);
}

}  // namespace
}  // namespace fairlead

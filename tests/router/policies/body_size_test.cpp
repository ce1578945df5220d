#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/router/policies/probe.hpp"

namespace fairlead {
namespace {

std::uint64_t limit(const std::string& text) {
  return parse({{"proxy-body-size", text}}).settings.max_body_bytes;
}

TEST(BodySize, IsAMebibyteByDefault) {
  EXPECT_EQ(parse({}).settings.max_body_bytes, 1048576u);
}

TEST(BodySize, TakesUnitsAndZeroForNoLimit) {
  EXPECT_EQ(limit("0"), 0u);
  EXPECT_EQ(limit("100"), 100u);
  EXPECT_EQ(limit("8k"), 8192u);
  EXPECT_EQ(limit("50M"), 52428800u);
  EXPECT_EQ(limit("2g"), 2147483648u);
}

TEST(BodySize, StaysAtTheDefaultWhenUnreadable) {
  EXPECT_EQ(limit("lots"), 1048576u);
  EXPECT_THAT(findings(parse({{"proxy-body-size", "lots"}})),
              testing::ElementsAre(testing::HasSubstr("warning proxy-body-size: \"lots\" is not a size")));
}

}  // namespace
}  // namespace fairlead

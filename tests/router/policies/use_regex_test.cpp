#include <gtest/gtest.h>

#include "tests/router/policies/probe.hpp"

namespace fairlead {
namespace {

TEST(UseRegex, TurnsTheHostIntoRegexMode) {
  EXPECT_TRUE(parse({{"use-regex", "true"}}).regex);
  EXPECT_FALSE(parse({{"use-regex", "false"}}).regex);
  EXPECT_FALSE(parse({}).regex);
}

}  // namespace
}  // namespace fairlead

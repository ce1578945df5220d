#include "router/base/split_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead {
namespace {

using testing::ElementsAre;

TEST(SplitList, TrimsPiecesAndLeavesEmptyOnesOut) {
  EXPECT_THAT(split_list("a, b,,\tc "), ElementsAre("a", "b", "c"));
  EXPECT_THAT(split_list("a,\n  b,\r\nc\n"), ElementsAre("a", "b", "c"));
  EXPECT_TRUE(split_list("").empty());
  EXPECT_TRUE(split_list(" , ,").empty());
}

TEST(Trim, KeepsWhatIsInside) {
  EXPECT_EQ(trim("\t a b \t"), "a b");
  EXPECT_EQ(trim("\r\na\nb\r\n"), "a\nb");
  EXPECT_EQ(trim("  "), "");
}

}  // namespace
}  // namespace fairlead

#include "router/base/percent_encode.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

TEST(PercentEncode, KeepsOnlyWhatNeedsNoEscape) {
  EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encode("a b&c=d/*\xc3\xa9"), "a%20b%26c%3Dd%2F%2A%C3%A9");
  EXPECT_EQ(percent_encode(""), "");
}

}  // namespace
}  // namespace fairlead

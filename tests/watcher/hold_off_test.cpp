#include "watcher/hold_off.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

using std::chrono::milliseconds;

constexpr HoldOff::Time start{std::chrono::hours(1)};
HoldOff::Time at(int ms) {
  return start + milliseconds(ms);
}

struct FiveToHundred : testing::Test {
  HoldOff hold_off{milliseconds(5), milliseconds(100)};
};

TEST_F(FiveToHundred, NothingIsDueBeforeAChange) {
  EXPECT_FALSE(hold_off.due_at());
  EXPECT_FALSE(hold_off.take(at(1000)));
}

TEST_F(FiveToHundred, AChangeWaitsForOthers) {
  hold_off.on_change(at(0));
  EXPECT_EQ(hold_off.due_at(), at(5));
  EXPECT_FALSE(hold_off.take(at(4)));
  EXPECT_TRUE(hold_off.take(at(5)));
}

TEST_F(FiveToHundred, ACrowdIsTakenOnce) {
  hold_off.on_change(at(0));
  hold_off.on_change(at(3));
  EXPECT_FALSE(hold_off.take(at(5)));
  EXPECT_TRUE(hold_off.take(at(8)));
  EXPECT_FALSE(hold_off.take(at(9)));
  EXPECT_FALSE(hold_off.due_at());
}

TEST_F(FiveToHundred, NoChangeWaitsLongerThanTheMost) {
  for (int ms = 0; ms < 100; ms += 4) {
    hold_off.on_change(at(ms));
    EXPECT_FALSE(hold_off.take(at(ms)));
  }
  EXPECT_EQ(hold_off.due_at(), at(100));
  EXPECT_TRUE(hold_off.take(at(100)));
  hold_off.on_change(at(101));
  EXPECT_EQ(hold_off.due_at(), at(106)) << "a new crowd begins";
}

TEST(HoldOff, OfNothingMeansAtOnce) {
  HoldOff hold_off(milliseconds(0), milliseconds(0));
  hold_off.on_change(at(0));
  EXPECT_TRUE(hold_off.take(at(0)));
}

TEST(HoldOff, AMostThatIsLessThanTheQuietTimeIsThatTime) {
  HoldOff hold_off(milliseconds(50), milliseconds(10));
  hold_off.on_change(at(0));
  EXPECT_EQ(hold_off.due_at(), at(50));
}

}  // namespace
}  // namespace fairlead

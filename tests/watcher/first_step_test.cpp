#include "watcher/first_step.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const FirstStep::Time start{hours(1)};

TEST(FirstStep, WaitsForEverythingThatIsSynced) {
  FirstStep step(seconds(3));
  EXPECT_FALSE(step.may(false, true, start));
  EXPECT_FALSE(step.wake_at());
  EXPECT_FALSE(step.may(false, true, start + hours(1))) << "however long that takes";
  EXPECT_TRUE(step.may(true, true, start + hours(1)));
}

TEST(FirstStep, WaitsForDnsButNotForLong) {
  FirstStep step(seconds(3));
  EXPECT_FALSE(step.may(true, false, start));
  EXPECT_EQ(step.wake_at(), start + seconds(3));
  EXPECT_FALSE(step.may(true, false, start + seconds(2)));
  EXPECT_TRUE(step.may(true, false, start + seconds(3)));
  EXPECT_FALSE(step.wake_at());
}

TEST(FirstStep, HasNothingToLookForWhileItWaitsForSomethingElseAgain) {
  FirstStep step(seconds(3));
  EXPECT_FALSE(step.may(true, false, start));
  EXPECT_FALSE(step.may(false, false, start + seconds(4)));
  EXPECT_FALSE(step.wake_at()) << "a time that is past would keep the loop turning";
  EXPECT_TRUE(step.may(true, false, start + seconds(5)));
}

TEST(FirstStep, OnceTakenIsNotTakenBack) {
  FirstStep step(seconds(3));
  EXPECT_TRUE(step.may(true, true, start));
  EXPECT_TRUE(step.may(true, false, start));
}

}  // namespace
}  // namespace fairlead

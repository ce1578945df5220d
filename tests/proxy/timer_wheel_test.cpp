#include "proxy/timer_wheel.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

using std::chrono::milliseconds;

struct Target : EventTarget {
  void run() override {}
};

struct TimerWheelTest : testing::Test {
  bool fires(LoopTime at) {
    RunQueue queue;
    wheel.advance(at, queue);
    const bool fired = !queue.empty();
    queue.clear();
    return fired;
  }
  Target target;
  Deadline deadline{target};
  TimerWheel wheel{milliseconds(5'000'050)};
  LoopTime start{5'000'050};
};

TEST_F(TimerWheelTest, ADeadlineFiresWithinOneTickAndNeverEarly) {
  wheel.set(deadline, start + milliseconds(250));
  EXPECT_FALSE(fires(start + milliseconds(249)));
  EXPECT_FALSE(deadline.expired());
  EXPECT_TRUE(fires(start + milliseconds(250) + TimerWheel::tick));
  EXPECT_TRUE(deadline.expired());
}

TEST_F(TimerWheelTest, MovedLaterItWaitsForTheNewMoment) {
  wheel.set(deadline, start + milliseconds(300));
  wheel.set(deadline, start + milliseconds(5'000));
  EXPECT_FALSE(fires(start + milliseconds(1'000)));
  EXPECT_FALSE(fires(start + milliseconds(4'900)));
  EXPECT_TRUE(fires(start + milliseconds(5'200)));
}

TEST_F(TimerWheelTest, MovedEarlierItFiresAtTheNewMoment) {
  wheel.set(deadline, start + milliseconds(60'000));
  wheel.set(deadline, start + milliseconds(200));
  EXPECT_TRUE(fires(start + milliseconds(400)));
}

TEST_F(TimerWheelTest, AClearedDeadlineNeverFires) {
  wheel.set(deadline, start + milliseconds(200));
  TimerWheel::clear(deadline);
  EXPECT_FALSE(fires(start + milliseconds(10'000)));
}

TEST_F(TimerWheelTest, AWaitLongerThanTheWheelGoesRoundAgain) {
  const LoopTime wait = TimerWheel::tick * (TimerWheel::slot_count + 500);
  wheel.set(deadline, start + wait);
  EXPECT_FALSE(fires(start + TimerWheel::tick * (TimerWheel::slot_count - 1)));
  EXPECT_FALSE(fires(start + wait - TimerWheel::tick));
  EXPECT_TRUE(fires(start + wait + TimerWheel::tick * 2));
}

TEST_F(TimerWheelTest, ALongSilenceOfTheLoopLosesNoDeadline) {
  wheel.set(deadline, start + milliseconds(700));
  EXPECT_TRUE(fires(start + TimerWheel::tick * TimerWheel::slot_count * 5));
}

TEST_F(TimerWheelTest, ADestroyedDeadlineIsForgotten) {
  {
    Deadline gone(target);
    wheel.set(gone, start + milliseconds(200));
  }
  EXPECT_FALSE(fires(start + milliseconds(10'000)));
}

}  // namespace
}  // namespace fairlead

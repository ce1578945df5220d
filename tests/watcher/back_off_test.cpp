#include "watcher/back_off.hpp"

#include <gtest/gtest.h>

#include <set>

namespace fairlead {
namespace {

using std::chrono::milliseconds;

TEST(BackOff, DoublesFromTheFirstToTheMostWithinHalfOfEach) {
  BackOff back_off({milliseconds(200), milliseconds(30'000)}, 1);
  for (std::int64_t whole : {200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000, 30000}) {
    const milliseconds delay = back_off.next();
    EXPECT_GE(delay.count(), whole / 2);
    EXPECT_LE(delay.count(), whole);
  }
}

TEST(BackOff, BeginsAnewAfterAReset) {
  BackOff back_off({milliseconds(200), milliseconds(30'000)}, 2);
  for (int i = 0; i < 20; ++i) back_off.next();
  back_off.reset();
  EXPECT_LE(back_off.next(), milliseconds(200));
}

TEST(BackOff, StaysAtTheMostHoweverOftenItFails) {
  BackOff back_off({milliseconds(1), milliseconds(1000)}, 3);
  for (int i = 0; i < 10'000; ++i) EXPECT_LE(back_off.next(), milliseconds(1000));
}

TEST(BackOff, SpreadsThoseWhoFailTogether) {
  std::set<milliseconds> delays;
  for (std::uint32_t seed = 0; seed < 100; ++seed) {
    BackOff back_off({milliseconds(10'000), milliseconds(30'000)}, seed * 7919 + 1);
    delays.insert(back_off.next());
  }
  EXPECT_GT(delays.size(), 80U);
}

TEST(BackOff, PicksWithinItsBoundsAlsoWhenTheyMeet) {
  BackOff back_off({}, 4);
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t picked = back_off.pick(300, 600);
    EXPECT_GE(picked, 300);
    EXPECT_LE(picked, 600);
  }
  EXPECT_EQ(back_off.pick(5, 5), 5);
}

}  // namespace
}  // namespace fairlead

#include "proxy/ready.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Ready, NeedsASnapshotOnEveryWorker) {
  Ready ready(2);
  EXPECT_THAT(ready.reasons(), ElementsAre("no snapshot yet"));
  ready.published(1);
  EXPECT_THAT(ready.reasons(),
              ElementsAre("worker 1 of 2 serves no snapshot yet", "worker 2 of 2 serves no snapshot yet"));
  ready.live(0, 1);
  EXPECT_THAT(ready.reasons(), ElementsAre("worker 2 of 2 serves no snapshot yet"));
  EXPECT_FALSE(ready.ready());
  ready.live(1, 1);
  EXPECT_THAT(ready.reasons(), IsEmpty());
  EXPECT_TRUE(ready.ready());
}

TEST(Ready, StaysSoWhileAWorkerIsAGenerationBehind) {
  Ready ready(2);
  ready.published(1);
  ready.live(0, 1);
  ready.live(1, 1);
  ready.published(2);
  ready.live(0, 2);
  EXPECT_TRUE(ready.ready());
  EXPECT_EQ(ready.published_generation(), 2u);
  EXPECT_EQ(ready.workers_on(2), 1u);
  EXPECT_EQ(ready.workers_on(1), 2u);
}

TEST(Ready, KnowsTheGenerationThatIsServedEverywhere) {
  Ready ready(2);
  EXPECT_EQ(ready.live_generation(), 0u);
  ready.published(2);
  ready.live(0, 2);
  ready.live(1, 1);
  EXPECT_EQ(ready.live_generation(), 1u);
  ready.live(1, 3);
  EXPECT_EQ(ready.live_generation(), 2u);
}

TEST(Ready, EndsWhenDraining) {
  Ready ready(1);
  ready.published(1);
  ready.live(0, 1);
  ready.drain();
  EXPECT_THAT(ready.reasons(), ElementsAre("stopping"));
}

}  // namespace
}  // namespace fairlead

#include "proxy/http2_upstream_step.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

using Step = Http2UpstreamStep;

TEST(Http2UpstreamStep, NobodyWhoWaitsNeedsNothing) {
  EXPECT_EQ(next_step({.waiting = 0, .room = 5, .connections = 1}, {.max_connections = 2}), Step::nothing);
}

TEST(Http2UpstreamStep, RoomIsTakenBeforeAnotherConnectionIsMade) {
  EXPECT_EQ(next_step({.waiting = 1, .room = 1, .connections = 1}, {.max_connections = 2}), Step::open_stream);
}

TEST(Http2UpstreamStep, TheFirstOneConnectsAndTheOthersWaitForIt) {
  const Http2UpstreamBounds bounds{.max_connections = 8, .usual_streams = 100};
  EXPECT_EQ(next_step({.waiting = 1}, bounds), Step::connect);
  EXPECT_EQ(next_step({.waiting = 100, .connections = 1, .connecting = 1}, bounds), Step::nothing);
  EXPECT_EQ(next_step({.waiting = 101, .connections = 1, .connecting = 1}, bounds), Step::connect);
}

TEST(Http2UpstreamStep, FullConnectionsAreJoinedByAnotherUpToTheMaximum) {
  EXPECT_EQ(next_step({.waiting = 1, .connections = 1}, {.max_connections = 2}), Step::connect);
  EXPECT_EQ(next_step({.waiting = 1, .connections = 2}, {.max_connections = 2}), Step::nothing);
}

}  // namespace
}  // namespace fairlead

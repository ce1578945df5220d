#include "proxy/http2_floods.hpp"

#include <gtest/gtest.h>

#include "proxy/http2_closed_streams.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;

struct Http2FloodsTest : testing::Test {
  std::string_view frame(Http2FrameType type, std::uint32_t length = 8) {
    return floods.frame({length, type, 0, 1}, now);
  }
  // How many of these are let pass before the limit is named.
  int passed(Http2FrameType type) {
    int count = 0;
    while (frame(type).empty() && count < 10'000) ++count;
    return count;
  }

  Limits limits;
  LoopTime now{1'000'000};
  Http2Floods floods{limits};
};

TEST_F(Http2FloodsTest, ControlFramesOfAllKindsAreCountedTogether) {
  limits.http2_max_control_frames = 4;
  EXPECT_EQ(frame(Http2FrameType::ping), "");
  EXPECT_EQ(frame(Http2FrameType::settings), "");
  EXPECT_EQ(frame(Http2FrameType::priority), "");
  EXPECT_EQ(floods.empty_data(now), "");
  EXPECT_EQ(frame(Http2FrameType::priority_update), "http2_max_control_frames");
}

TEST_F(Http2FloodsTest, WhatWasLongAgoCountsNoMore) {
  limits.http2_max_control_frames = 5;
  EXPECT_EQ(passed(Http2FrameType::ping), 5);
  now += limits.http2_flood_interval;
  EXPECT_EQ(passed(Http2FrameType::ping), 5);
}

TEST_F(Http2FloodsTest, WindowUpdatesAreFreeWhereDataWasSent) {
  limits.http2_max_control_frames = 5;
  for (int i = 0; i < 10; ++i) floods.data_sent();
  EXPECT_EQ(passed(Http2FrameType::window_update), 10 * 4 + 5);
}

TEST_F(Http2FloodsTest, ResetsOfBothSidesAreCountedTogether) {
  limits.http2_max_resets = 2;
  EXPECT_EQ(frame(Http2FrameType::rst_stream), "");
  EXPECT_EQ(floods.reset(now), "");
  EXPECT_EQ(floods.reset(now), "http2_max_resets");
}

TEST_F(Http2FloodsTest, ContinuationsAreCountedForEachHead) {
  for (int head = 0; head < 5; ++head) {
    EXPECT_EQ(frame(Http2FrameType::headers), "");
    for (int i = 0; i < 8; ++i) EXPECT_EQ(frame(Http2FrameType::continuation), "");
  }
  EXPECT_EQ(frame(Http2FrameType::continuation), "http2_max_continuations");
}

TEST_F(Http2FloodsTest, AHeadMayNotBeTwiceAsLargeAsAllowed) {
  EXPECT_EQ(frame(Http2FrameType::headers, 16'384), "");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(frame(Http2FrameType::continuation, 16'384), "");
  EXPECT_EQ(frame(Http2FrameType::continuation, 16'384), "max_request_head_bytes");
}

TEST(Http2ClosedStreams, TellsWhyAStreamIsNotThere) {
  using How = Http2ClosedStreams::How;
  Http2ClosedStreams streams;
  for (const std::int32_t id : {1, 3, 11}) streams.opened(id);
  streams.closed(1, false);
  streams.closed(3, true);
  streams.closed(3, false);  // the reset was sent: the session closes it then
  EXPECT_EQ(streams.last(), 11);
  EXPECT_EQ(streams.find(1), How::ended);
  EXPECT_EQ(streams.find(3), How::reset_by_us);
  for (const std::int32_t id : {5, 7, 9}) EXPECT_EQ(streams.find(id), How::never_begun);
  EXPECT_EQ(streams.find(11), How::unknown) << "still open";
  streams.reset_by_client(3);
  EXPECT_EQ(streams.find(3), How::ended) << "nothing of it can be on its way any more";
}

TEST(Http2ClosedStreams, ForgetsWhatIsLongAgo) {
  Http2ClosedStreams streams;
  for (std::int32_t id = 1; id < 201; id += 2) {
    streams.opened(id);
    streams.closed(id, false);
  }
  EXPECT_EQ(streams.find(1), Http2ClosedStreams::How::unknown);
  EXPECT_EQ(streams.find(199), Http2ClosedStreams::How::ended);
}

}  // namespace
}  // namespace fairlead

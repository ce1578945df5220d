#include "proxy/pipe_pool.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "proxy/splice_lane.hpp"

namespace fairlead {
namespace {

TEST(PipePool, GivesNoMoreThanItsMaximum) {
  PipePool pool(2);
  const Pipe first = pool.take();
  const Pipe second = pool.take();
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(pool.take());
  pool.give_back(first, true);
  const Pipe third = pool.take();
  EXPECT_TRUE(third);
  pool.give_back(second, true);
  pool.give_back(third, true);
}

TEST(PipePool, KeepsAnEmptyPipeForTheNext) {
  PipePool pool(1);
  const Pipe first = pool.take();
  pool.give_back(first, true);
  const Pipe second = pool.take();
  EXPECT_EQ(second.read_end, first.read_end);
  EXPECT_GE(::fcntl(second.read_end, F_GETPIPE_SZ), static_cast<int>(PipePool::capacity));
  pool.give_back(second, true);
}

TEST(PipePool, NeverGivesOneThatHoldsBytesOfAnotherBody) {
  PipePool pool(1);
  const Pipe first = pool.take();
  ASSERT_EQ(::write(first.write_end, "secret", 6), 6);
  pool.give_back(first, false);
  const Pipe second = pool.take();
  char byte;
  EXPECT_EQ(::read(second.read_end, &byte, 1), -1);
  EXPECT_EQ(errno, EAGAIN);
  pool.give_back(second, true);
}

TEST(PipePool, GivesNoneOnceSwitchedOff) {
  PipePool pool(2);
  const Pipe first = pool.take();
  pool.switch_off();
  EXPECT_FALSE(pool.take());
  pool.give_back(first, true);
  EXPECT_FALSE(pool.take());
}

class SplicedBody : public BodyReader {
 public:
  BodyState pull(std::string_view&, bool) override { return BodyState::blocked; }
  void consume(std::size_t) override {}
  bool ended() const override { return false; }
  bool ends_with(std::size_t) const override { return false; }
  std::uint64_t received() const override { return 0; }
  std::string_view trailers() const override { return {}; }
  std::string_view failure() const override { return {}; }
  std::string_view limit() const override { return {}; }
  void start_raw(std::size_t) override {}
  bool can_splice() const override { return goes_on; }

  bool goes_on = true;
};

// On a system that refuses splice(), as a sandbox may.
class RefusedBody final : public SplicedBody {};

// As many bytes as it is told, then none for now.
class BodyInParts final : public SplicedBody {
 public:
  IoCount splice_into(int pipe, std::size_t) override {
    if (part == 0) return io_blocked;
    const std::string bytes(std::exchange(part, 0), 'x');
    goes_on = !last;
    return ::write(pipe, bytes.data(), bytes.size());
  }

  std::size_t part = 0;
  bool last = false;  // what follows is too little for the lane
};

struct AnyWriter {
  bool can_splice() const { return true; }
  IoCount splice_from(int pipe, std::size_t count, bool more) {
    std::string bytes(std::min(count, takes), '\0');
    followed.push_back(more);
    return ::read(pipe, bytes.data(), bytes.size());
  }
  void push() { ++pushed; }

  std::size_t takes = PipePool::capacity;
  std::vector<bool> followed;
  int pushed = 0;
};

TEST(SpliceLane, IsNoWayAnyMoreOnceItWasRefused) {
  PipePool pool(2);
  RefusedBody body;
  SpliceLane lane(pool);
  ASSERT_TRUE(lane.ready(body, AnyWriter()));
  EXPECT_EQ(lane.fill_from(body), io_refused);
  EXPECT_FALSE(lane.ready(body, AnyWriter())) << "the body would never be copied instead";
  EXPECT_TRUE(lane.empty());
}

class SpliceLaneInParts : public testing::Test {
 protected:
  void move(std::size_t part) {
    body.part = part;
    ASSERT_TRUE(lane.ready(body, writer));
    ASSERT_EQ(lane.fill_from(body), static_cast<IoCount>(part));
    ASSERT_TRUE(lane.empty_into(writer));
    ASSERT_TRUE(lane.empty());
  }

  PipePool pool{1};
  SpliceLane lane{pool};
  BodyInParts body;
  AnyWriter writer;
};

TEST_F(SpliceLaneInParts, MuchLeavesWithTheWordThatMoreFollows) {
  move(SpliceLane::least_followed);
  move(SpliceLane::least_followed - 1);
  body.last = true;
  move(SpliceLane::least_followed);
  EXPECT_EQ(writer.followed, (std::vector{true, false, false}));
}

TEST_F(SpliceLaneInParts, WhatWaitsForMoreIsPushedOnceWhenNothingComes) {
  move(SpliceLane::least_followed);
  ASSERT_EQ(lane.fill_from(body), io_blocked);
  lane.push(writer);
  lane.push(writer);
  EXPECT_EQ(writer.pushed, 1);
}

TEST_F(SpliceLaneInParts, NothingIsPushedWhereNothingWaits) {
  writer.takes = SpliceLane::least_followed;
  move(SpliceLane::least_followed + 1);  // the last byte went by itself
  lane.push(writer);
  EXPECT_EQ(writer.followed, (std::vector{true, false}));
  EXPECT_EQ(writer.pushed, 0);
}

}  // namespace
}  // namespace fairlead

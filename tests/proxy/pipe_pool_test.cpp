#include "proxy/pipe_pool.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

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

// A body on a system that refuses splice(), as a sandbox may.
class RefusedBody final : public BodyReader {
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
  bool can_splice() const override { return true; }
};

struct AnyWriter {
  bool can_splice() const { return true; }
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

}  // namespace
}  // namespace fairlead

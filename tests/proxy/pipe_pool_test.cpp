#include "proxy/pipe_pool.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

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

}  // namespace
}  // namespace fairlead

#include "proxy/task.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

struct Gate {
  std::coroutine_handle<> waiting;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) noexcept { waiting = handle; }
  void await_resume() const noexcept {}
  void open() { std::exchange(waiting, {}).resume(); }
};

struct Alive {
  explicit Alive(int& count_in) : count(count_in) { ++count; }
  ~Alive() { --count; }
  int& count;
};

Task<int> inner(Gate& gate, int& alive) {
  Alive local(alive);
  co_await gate;
  co_return 7;
}

Task<> outer(Gate& gate, int& alive, int& result) {
  Alive local(alive);
  result = co_await inner(gate, alive);
}

TEST(Task, AResultComesBackThroughTheChain) {
  Gate gate;
  int alive = 0;
  int result = 0;
  Task<> task = outer(gate, alive, result);
  EXPECT_EQ(alive, 0) << "a task begins when it is started";
  task.start();
  EXPECT_FALSE(task.done());
  EXPECT_EQ(alive, 2);
  gate.open();
  EXPECT_TRUE(task.done());
  EXPECT_EQ(result, 7);
  EXPECT_EQ(alive, 0);
}

TEST(Task, DestroyingASuspendedChainDestroysWhatItHolds) {
  Gate gate;
  int alive = 0;
  int result = 0;
  {
    Task<> task = outer(gate, alive, result);
    task.start();
    EXPECT_EQ(alive, 2);
  }
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(result, 0);
}

TEST(FramePool, GivesAReleasedFrameAgain) {
  void* const frame = FramePool::allocate(195);
  FramePool::release(frame, 195);
  EXPECT_EQ(FramePool::allocate(200), frame) << "both sizes fall into one class";
  FramePool::release(frame, 200);
}

}  // namespace
}  // namespace fairlead

#include "proxy/thread_priority.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <thread>

namespace fairlead {
namespace {

struct Priority {
  int nice = 0;
  int policy = 0;

  static Priority of_this_thread() { return {::getpriority(PRIO_PROCESS, 0), ::sched_getscheduler(0)}; }
  bool operator==(const Priority&) const = default;
};

int ten_nicer() {
  return std::min(Priority::of_this_thread().nice + 10, 19);
}

TEST(ThreadPriority, AThreadThatGivesWayIsBehindWorkersButNotIdle) {
  Priority found;
  std::thread([&found] {
    give_way_to_workers();
    found = Priority::of_this_thread();
  }).join();
  EXPECT_EQ(found.nice, ten_nicer());
  EXPECT_NE(found.policy, SCHED_IDLE) << "it would wait for ever behind processors that are always busy";
}

TEST(ThreadPriority, WhatAThreadStartsAfterwardsGivesWayToo) {
  Priority found;
  std::thread([&found] {
    give_way_to_workers();
    std::thread([&found] { found = Priority::of_this_thread(); }).join();
  }).join();
  EXPECT_EQ(found.nice, ten_nicer());
}

TEST(ThreadPriority, OtherThreadsStayAsTheyAre) {
  const Priority before = Priority::of_this_thread();
  std::thread(give_way_to_workers).join();
  EXPECT_EQ(Priority::of_this_thread(), before);
}

}  // namespace
}  // namespace fairlead

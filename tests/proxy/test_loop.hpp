#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>

#include "proxy/readiness_set.hpp"

namespace fairlead {

// A Worker's loop, turned by the test until something has come about.
class TestLoop {
 public:
  TestLoop() { readiness.start(); }
  ~TestLoop() {
    readiness.stop();
    context.restart();
    context.poll();
  }

  // False when it has not come about after ten seconds.
  template <class Condition>
  bool run_until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      context.run_one_for(std::chrono::milliseconds(200));
    }
    return true;
  }
  // Everything that is to be done without waiting.
  void settle() {
    while (context.poll() > 0) continue;
  }

  boost::asio::io_context context;
  ReadinessSet readiness{context};
};

}  // namespace fairlead

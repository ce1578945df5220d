#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>

#include "proxy/readiness_set.hpp"

namespace fairlead {

// A Worker's loop, turned by the test until something has come about.
class TestLoop {
 public:
  // False when it has not come about after ten seconds.
  template <class Condition>
  bool run_until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      readiness.turn(std::chrono::milliseconds(200));
    }
    return true;
  }
  // What there is to be done without waiting: a turn for what is there, one for what that leads to.
  void settle() {
    for (int i = 0; i < 3; ++i) readiness.turn(std::chrono::milliseconds(0));
  }

  boost::asio::io_context context;
  ReadinessSet readiness{context};
};

}  // namespace fairlead

#pragma once

#include <atomic>
#include <memory>
#include <stdexcept>

#include "tests/support/gate.hpp"
#include "tests/support/test_proxy.hpp"

namespace fairlead::test {

// Keeps the one Worker of a TestProxy busy, so that it looks at nothing, until it is told to go on.
class BusyWorker {
 public:
  explicit BusyWorker(TestProxy& proxy) {
    const std::shared_ptr<const Snapshot> served = proxy.publisher->snapshot();
    const auto let_go = [state = state_](const Snapshot* snapshot) {
      delete snapshot;
      state->busy = true;
      state->gate.wait();
    };
    proxy.workers->publish(std::shared_ptr<const Snapshot>(new Snapshot(*served), let_go));
    proxy.workers->publish(served);  // the Worker drops the other one, on its thread
    if (!TestProxy::eventually([&] { return state_->busy.load(); })) throw std::runtime_error("the Worker is not busy");
  }
  ~BusyWorker() { go_on(); }
  BusyWorker(const BusyWorker&) = delete;
  BusyWorker& operator=(const BusyWorker&) = delete;

  void go_on() { state_->gate.open(); }

 private:
  struct State {
    Gate gate;
    std::atomic<bool> busy{false};
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace fairlead::test

#pragma once

#include "proxy/worker_counters.hpp"

namespace fairlead {

// Where one client's connection is counted as in the metrics.
class ConnectionPhase {
 public:
  enum Phase : std::uint8_t { none, waiting, reading, writing };

  explicit ConnectionPhase(WorkerCounters& counters) : counters_(counters) {}
  ~ConnectionPhase() { enter(none); }
  ConnectionPhase(const ConnectionPhase&) = delete;
  ConnectionPhase& operator=(const ConnectionPhase&) = delete;

  Phase now() const { return phase_; }
  void enter(Phase phase) {
    if (phase == phase_) return;
    if (Level* const left = level_of(phase_)) left->remove();
    if (Level* const entered = level_of(phase)) entered->add();
    phase_ = phase;
  }

 private:
  Level* level_of(Phase phase) {
    switch (phase) {
      case waiting:
        return &counters_.waiting;
      case reading:
        return &counters_.reading;
      case writing:
        return &counters_.writing;
      case none:
        break;
    }
    return nullptr;
  }

  WorkerCounters& counters_;
  Phase phase_ = none;
};

}  // namespace fairlead

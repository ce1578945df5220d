#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fairlead {

// Whether traffic may be sent here: a first Snapshot is out, every Worker serves one, and we are not stopping. Any
// thread.
class Ready {
 public:
  explicit Ready(std::size_t workers) : live_(workers) {}

  void published(std::uint64_t generation) { published_.store(generation, std::memory_order_release); }
  // worker serves this generation from now on.
  void live(std::size_t worker, std::uint64_t generation) {
    live_[worker].store(generation, std::memory_order_release);
  }
  void drain() { draining_.store(true, std::memory_order_release); }

  bool ready() const { return reasons().empty(); }
  std::vector<std::string> reasons() const;  // why not; empty = ready

  std::uint64_t published_generation() const { return published_.load(std::memory_order_acquire); }
  std::size_t worker_count() const { return live_.size(); }
  std::uint64_t live_generation() const;                   // that every Worker serves, if not a newer one
  std::size_t workers_on(std::uint64_t generation) const;  // how many serve this generation or a newer one

 private:
  std::atomic<std::uint64_t> published_{0};
  std::atomic<bool> draining_{false};
  std::vector<std::atomic<std::uint64_t>> live_;
};

}  // namespace fairlead

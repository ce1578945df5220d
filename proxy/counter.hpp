#pragma once

#include <atomic>
#include <cstdint>

namespace fairlead {

// A number that one thread writes and any thread reads. The one writer needs no locked instruction.
class Counter {
 public:
  void add(std::uint64_t by = 1) { value_.store(value() + by, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// The same for how many there are right now.
class Level {
 public:
  void add(std::int64_t by = 1) { value_.store(value() + by, std::memory_order_relaxed); }
  void remove(std::int64_t by = 1) { add(-by); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// One more at a Level, while it lives.
class Counted {
 public:
  explicit Counted(Level& level) : level_(level) { level_.add(); }
  ~Counted() { level_.remove(); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  Level& level_;
};

}  // namespace fairlead

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fairlead {

// Both ends of a pipe of the kernel, non-blocking. Invalid (-1) when none could be had.
struct Pipe {
  int read_end = -1;
  int write_end = -1;

  explicit operator bool() const { return read_end >= 0; }
};

// One Worker's pipes for bodies that pass unseen (SpliceLane). At most max_in_use of them are given out at a time; few
// are kept for the next body.
class PipePool {
 public:
  // What one pipe holds. Fewer, larger moves cost less: 100 MB a sixth more with half of this, a sixth less with twice
  // as much, which would halve the number of pipes that a user who is not root is given (pipe-user-pages-soft).
  static constexpr std::size_t capacity = 512 * 1024;

  explicit PipePool(std::uint32_t max_in_use) : max_in_use_(max_in_use) {}
  ~PipePool();
  PipePool(const PipePool&) = delete;
  PipePool& operator=(const PipePool&) = delete;

  // An empty pipe, to be given back; none when too many are in use or the system has none of this capacity for us.
  Pipe take();
  void give_back(Pipe pipe, bool is_empty);
  // From now on none is given: this system cannot splice.
  void switch_off() { max_in_use_ = 0; }

 private:
  static constexpr std::size_t max_kept = 8;

  std::uint32_t max_in_use_;
  std::uint32_t in_use_ = 0;
  std::vector<Pipe> kept_;
};

}  // namespace fairlead

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace fairlead {

// Ends the program when what a fuzz target promises does not hold.
inline void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", promise);
  std::abort();
}

// Small numbers that a byte of the input decides: how the rest of it is dealt out.
class Pieces {
 public:
  explicit Pieces(std::uint32_t seed) : state_(seed * 2654435761u + 1), most_(1 + seed % 24) {}

  std::size_t next() {
    state_ = state_ * 1664525u + 1013904223u;
    return 1 + (state_ >> 16) % most_;
  }

 private:
  std::uint32_t state_;
  std::uint32_t most_;
};

// The input: its first byte is the seed, the rest is what the target is about.
struct FuzzInput {
  FuzzInput(const unsigned char* data, std::size_t size)
      : seed(size > 0 ? data[0] : 0),
        bytes(reinterpret_cast<const char*>(data) + (size > 0), size > 0 ? size - 1 : 0) {}

  std::uint32_t seed;
  std::string_view bytes;
};

}  // namespace fairlead

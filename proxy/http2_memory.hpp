#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstddef>

namespace fairlead {

// Where the HTTP/2 sessions of one Worker have their memory from: free lists by size, so that steady traffic allocates
// nothing. Outlives every session that uses it. Only touched on its Worker's thread.
class Http2Memory {
 public:
  static constexpr std::size_t largest_pooled = 4 * 1024;         // what is larger comes from the heap, always
  static constexpr std::size_t max_kept_bytes = 4 * 1024 * 1024;  // in the free lists; more goes back to the heap

  Http2Memory() = default;
  Http2Memory(const Http2Memory&) = delete;
  Http2Memory& operator=(const Http2Memory&) = delete;
  ~Http2Memory();

  // Null for nothing, as malloc. Aligned for anything.
  void* allocate(std::size_t size);
  void* resize(void* block, std::size_t size);
  void release(void* block);

  // What nghttp2 calls it by.
  nghttp2_mem functions();

 private:
  struct Block;  // stands before each piece of memory
  struct Free {
    Free* next;
  };
  static constexpr std::size_t smallest = 32;
  static constexpr std::size_t classes = 9;  // 32, 64, … 8192: each with its Block

  static std::size_t class_of(std::size_t size);

  std::array<Free*, classes> free_{};
  std::size_t kept_bytes_ = 0;
};

}  // namespace fairlead

#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstddef>
#include <vector>

namespace fairlead {

// Where the HTTP/2 sessions of one Worker have their memory from: free lists by size, so that steady traffic allocates
// nothing. Outlives every session that uses it. Only touched on its Worker's thread.
//
// A session's buffer for a frame on its way out is 16 KB, of which heads of usual size touch the beginning: these
// buffers are pages of their own, so that what was never touched is no memory.
class Http2Memory {
 public:
  static constexpr std::size_t largest_pooled = 4 * 1024;         // what is larger comes from the heap, always,
  static constexpr std::size_t least_frame = 16 * 1024;           // or is such a buffer, from here
  static constexpr std::size_t largest_frame = 20 * 1024 - 64;    // to here
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
  // 32, 40, 48, 56, 64, 80, …: four from each power of two to the next.
  static constexpr std::size_t smallest = 32;
  static constexpr std::size_t classes = 4 * 7 + 1;
  static constexpr std::size_t of_heap = classes, of_frame = classes + 1;

  static std::size_t class_of(std::size_t size);
  static std::size_t size_of(std::size_t index);
  void* take_frame();
  void give_back_frame(void* frame);

  std::array<Free*, classes> free_{};
  std::size_t kept_bytes_ = 0;
  Free* free_frames_ = nullptr;
  std::vector<void*> frame_pages_;
};

}  // namespace fairlead

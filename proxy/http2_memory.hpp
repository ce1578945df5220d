#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace fairlead {

// Where the HTTP/2 sessions of one Worker have their memory from: free lists by size, so that steady traffic allocates
// nothing. Outlives every session that uses it. Only touched on its Worker's thread.
//
// Two large pieces of each session lie in pages of their own, which are no memory until they are touched, and can be
// given back while the session rests: its buffer for a frame on its way out (16 KB, of which heads of usual size touch
// the beginning), and its table of streams (4 KB, all zero without streams).
class Http2Memory {
 public:
  static constexpr std::size_t page = 4 * 1024;
  static constexpr std::size_t largest_pooled = page - 1;         // what is larger comes from the heap, always,
  static constexpr std::size_t table = page;                      // or is such a table,
  static constexpr std::size_t least_frame = 4 * page;            // or such a buffer, from here
  static constexpr std::size_t largest_frame = 5 * page;          // to here
  static constexpr std::size_t max_kept_bytes = 4 * 1024 * 1024;  // in the free lists; more goes back to the heap

  Http2Memory() = default;
  Http2Memory(const Http2Memory&) = delete;
  Http2Memory& operator=(const Http2Memory&) = delete;
  ~Http2Memory();

  // Null for nothing, as malloc. Aligned for anything.
  void* allocate(std::size_t size);
  void* resize(void* block, std::size_t size);
  void release(void* block);

  // The pieces of a session that was just made.
  struct Pieces {
    void* frame = nullptr;
    void* table = nullptr;
  };
  Pieces last_pieces() { return std::exchange(last_, {}); }
  // Gives their pages back until they are touched again. The frame's bytes are lost; the table's are kept if there are
  // any.
  static void rest(const Pieces& pieces);

  // What nghttp2 calls it by.
  nghttp2_mem functions();

 private:
  struct Block;  // stands before each piece of memory that is no page
  struct Free {
    Free* next;
  };
  // Pages for pieces of one size.
  struct Slabs {
    std::size_t size;
    Free* free = nullptr;
    std::vector<char*> all{};

    void* take();
    void give_back(void* piece);
    bool hold(const void* piece) const;
    ~Slabs();
  };
  // 32, 40, 48, 56, 64, 80, …: four from each power of two to the next.
  static constexpr std::size_t smallest = 32;
  static constexpr std::size_t classes = 4 * 7 + 1;

  static std::size_t class_of(std::size_t size);
  static std::size_t size_of(std::size_t index);
  void* from_pages(std::size_t size);
  Slabs* slabs_of(const void* block);

  std::array<Free*, classes> free_{};
  std::size_t kept_bytes_ = 0;
  Slabs frames_{.size = largest_frame};
  Slabs tables_{.size = table};
  Pieces last_;
};

}  // namespace fairlead

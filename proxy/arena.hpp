#pragma once

#include <array>
#include <cstddef>
#include <memory_resource>
#include <vector>

namespace fairlead {

// Memory that lives as long as one Exchange. Small needs are met from inside; what does not fit comes from the heap.
// Reset gives the heap part back and starts over.
class Arena final : public std::pmr::memory_resource {
 public:
  static constexpr std::size_t inline_size = 8 * 1024;

  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() override { reset(); }

  void reset() {
    for (const Chunk& chunk : chunks_) ::operator delete(chunk.data, std::align_val_t(chunk.alignment));
    chunks_.clear();
    used_ = 0;
  }
  char* text(std::size_t size) { return static_cast<char*>(allocate(size, 1)); }

 private:
  struct Chunk {
    void* data;
    std::size_t alignment;
  };

  void* do_allocate(std::size_t size, std::size_t alignment) override {
    const std::size_t begin = (used_ + alignment - 1) / alignment * alignment;
    if (begin + size <= inline_size) {
      used_ = begin + size;
      return inline_.data() + begin;
    }
    void* const data = ::operator new(size, std::align_val_t(alignment));
    chunks_.push_back({data, alignment});
    return data;
  }
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  alignas(std::max_align_t) std::array<char, inline_size> inline_;
  std::size_t used_ = 0;
  std::vector<Chunk> chunks_;
};

}  // namespace fairlead

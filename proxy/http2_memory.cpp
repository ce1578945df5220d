#include "proxy/http2_memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

namespace fairlead {
namespace {

constexpr std::size_t page = 4 * 1024;
constexpr std::size_t frame_size = 20 * 1024;  // whole pages
constexpr std::size_t frames_at_once = 64;

}  // namespace

struct alignas(std::max_align_t) Http2Memory::Block {
  std::size_t size;   // that was asked for
  std::size_t index;  // of its free list, or of_heap, or of_frame
};

Http2Memory::~Http2Memory() {
  for (Free* head : free_) {
    while (head) ::operator delete(std::exchange(head, head->next));
  }
  for (void* const pages : frame_pages_) ::munmap(pages, frames_at_once * frame_size);
}

std::size_t Http2Memory::class_of(std::size_t size) {
  if (size <= smallest) return 0;
  const auto power = static_cast<std::size_t>(std::bit_width(size - 1)) - 1;  // 2^power < size <= 2^(power + 1)
  const std::size_t quarter = (size - 1 - (std::size_t{1} << power)) >> (power - 2);
  return 4 * (power - std::countr_zero(smallest)) + quarter + 1;
}

std::size_t Http2Memory::size_of(std::size_t index) {
  const std::size_t base = smallest << index / 4;
  return base + base / 4 * (index % 4);
}

void* Http2Memory::allocate(std::size_t size) {
  if (size == 0) return nullptr;
  void* memory = nullptr;
  std::size_t index = of_heap;
  if (size <= largest_pooled) {
    index = class_of(size);
    if (free_[index]) {
      memory = std::exchange(free_[index], free_[index]->next);
      kept_bytes_ -= size_of(index);
    } else {
      memory = ::operator new(size_of(index) + sizeof(Block));
    }
  } else if (size >= least_frame && size <= largest_frame && (memory = take_frame()) != nullptr) {
    index = of_frame;
  } else {
    memory = ::operator new(size + sizeof(Block));
  }
  return new (memory) Block{size, index} + 1;
}

void Http2Memory::release(void* block) {
  if (!block) return;
  Block* const header = static_cast<Block*>(block) - 1;
  const std::size_t index = header->index;
  if (index == of_frame) {
    give_back_frame(header);
  } else if (index == of_heap || kept_bytes_ >= max_kept_bytes) {
    ::operator delete(static_cast<void*>(header));
  } else {
    free_[index] = new (static_cast<void*>(header)) Free{free_[index]};
    kept_bytes_ += size_of(index);
  }
}

void* Http2Memory::take_frame() {
  if (!free_frames_) {
    void* const pages = ::mmap(nullptr, frames_at_once * frame_size, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) return nullptr;
    ::madvise(pages, frames_at_once * frame_size, MADV_NOHUGEPAGE);
    frame_pages_.push_back(pages);
    for (std::size_t i = frames_at_once; i-- > 0;) {
      free_frames_ = new (static_cast<char*>(pages) + i * frame_size) Free{free_frames_};
    }
  }
  return std::exchange(free_frames_, free_frames_->next);
}

void Http2Memory::give_back_frame(void* frame) {
  ::madvise(static_cast<char*>(frame) + page, frame_size - page, MADV_DONTNEED);
  free_frames_ = new (frame) Free{free_frames_};
}

void* Http2Memory::resize(void* block, std::size_t size) {
  if (!block) return allocate(size);
  const Block& header = *(static_cast<Block*>(block) - 1);
  if (size > 0 && header.index < classes && size <= size_of(header.index)) return block;
  void* const moved = allocate(size);
  if (moved) std::memcpy(moved, block, std::min(header.size, size));
  release(block);
  return moved;
}

nghttp2_mem Http2Memory::functions() {
  return {
      this, [](std::size_t size, void* self) { return static_cast<Http2Memory*>(self)->allocate(size); },
      [](void* block, void* self) { static_cast<Http2Memory*>(self)->release(block); },
      [](std::size_t count, std::size_t size, void* self) {
        void* const block = static_cast<Http2Memory*>(self)->allocate(count * size);
        return block ? std::memset(block, 0, count * size) : nullptr;
      },
      [](void* block, std::size_t size, void* self) { return static_cast<Http2Memory*>(self)->resize(block, size); }};
}

}  // namespace fairlead

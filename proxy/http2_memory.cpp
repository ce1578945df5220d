#include "proxy/http2_memory.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

namespace fairlead {

struct alignas(std::max_align_t) Http2Memory::Block {
  std::size_t size;   // that was asked for
  std::size_t index;  // of its free list, or classes when it has none
};

Http2Memory::~Http2Memory() {
  for (Free* head : free_) {
    while (head) ::operator delete(std::exchange(head, head->next));
  }
}

// size: with the Block.
std::size_t Http2Memory::class_of(std::size_t size) {
  const std::size_t rounded = std::bit_ceil(std::max(size, smallest));
  return static_cast<std::size_t>(std::countr_zero(rounded) - std::countr_zero(smallest));
}

void* Http2Memory::allocate(std::size_t size) {
  if (size == 0) return nullptr;
  const std::size_t whole = size + sizeof(Block);
  const std::size_t index = size > largest_pooled ? classes : class_of(whole);
  void* memory = nullptr;
  if (index < classes && free_[index]) {
    memory = std::exchange(free_[index], free_[index]->next);
    kept_bytes_ -= smallest << index;
  } else {
    memory = ::operator new(index < classes ? smallest << index : whole);
  }
  return new (memory) Block{size, index} + 1;
}

void Http2Memory::release(void* block) {
  if (!block) return;
  Block* const header = static_cast<Block*>(block) - 1;
  const std::size_t index = header->index;
  if (index == classes || kept_bytes_ >= max_kept_bytes) {
    ::operator delete(static_cast<void*>(header));
    return;
  }
  free_[index] = new (static_cast<void*>(header)) Free{free_[index]};
  kept_bytes_ += smallest << index;
}

void* Http2Memory::resize(void* block, std::size_t size) {
  if (!block) return allocate(size);
  const Block& header = *(static_cast<Block*>(block) - 1);
  if (size > 0 && header.index < classes && size + sizeof(Block) <= smallest << header.index) return block;
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

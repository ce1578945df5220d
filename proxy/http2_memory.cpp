#include "proxy/http2_memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <new>

namespace fairlead {
namespace {

constexpr std::size_t pieces_at_once = 64;  // that are mapped

}  // namespace

struct alignas(std::max_align_t) Http2Memory::Block {
  std::size_t size;   // that was asked for
  std::size_t index;  // of its free list, or classes when it has none
};

Http2Memory::~Http2Memory() {
  for (Free* head : free_) {
    while (head) ::operator delete(std::exchange(head, head->next));
  }
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
  if (void* const pages = from_pages(size)) return pages;
  void* memory = nullptr;
  std::size_t index = classes;
  if (size > largest_pooled) {
    memory = ::operator new(size + sizeof(Block));
  } else if (index = class_of(size); free_[index]) {
    memory = std::exchange(free_[index], free_[index]->next);
    kept_bytes_ -= size_of(index);
  } else {
    memory = ::operator new(size_of(index) + sizeof(Block));
  }
  return new (memory) Block{size, index} + 1;
}

void Http2Memory::release(void* block) {
  if (!block) return;
  if (Slabs* const slabs = slabs_of(block)) {
    slabs->give_back(block);
    return;
  }
  Block* const header = static_cast<Block*>(block) - 1;
  const std::size_t index = header->index;
  if (index == classes || kept_bytes_ >= max_kept_bytes) {
    ::operator delete(static_cast<void*>(header));
    return;
  }
  free_[index] = new (static_cast<void*>(header)) Free{free_[index]};
  kept_bytes_ += size_of(index);
}

void* Http2Memory::resize(void* block, std::size_t size) {
  if (!block) return allocate(size);
  const Slabs* const slabs = slabs_of(block);
  const Block* const header = slabs ? nullptr : static_cast<Block*>(block) - 1;
  const std::size_t room = slabs ? slabs->size : header->index < classes ? size_of(header->index) : header->size;
  if (size > 0 && size <= room) return block;
  void* const moved = allocate(size);
  if (moved) std::memcpy(moved, block, std::min(room, size));
  release(block);
  return moved;
}

void* Http2Memory::from_pages(std::size_t size) {
  if (size == table) return last_.table = tables_.take();
  if (size >= least_frame && size <= largest_frame) return last_.frame = frames_.take();
  return nullptr;
}

// Pages are recognised by where they lie.
Http2Memory::Slabs* Http2Memory::slabs_of(const void* block) {
  if (reinterpret_cast<std::uintptr_t>(block) % page != 0) return nullptr;
  if (tables_.hold(block)) return &tables_;
  return frames_.hold(block) ? &frames_ : nullptr;
}

void* Http2Memory::Slabs::take() {
  if (!free) {
    void* const pages = ::mmap(nullptr, pieces_at_once * size, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) return nullptr;
    ::madvise(pages, pieces_at_once * size, MADV_NOHUGEPAGE);
    all.push_back(static_cast<char*>(pages));
    for (std::size_t i = pieces_at_once; i-- > 0;) free = new (all.back() + i * size) Free{free};
  }
  return std::exchange(free, free->next);
}

void Http2Memory::Slabs::give_back(void* piece) {
  if (size > page) ::madvise(static_cast<char*>(piece) + page, size - page, MADV_DONTNEED);
  free = new (piece) Free{free};
}

bool Http2Memory::Slabs::hold(const void* piece) const {
  const auto* const at = static_cast<const char*>(piece);
  return std::any_of(all.begin(), all.end(),
                     [&](const char* slab) { return at >= slab && at < slab + pieces_at_once * size; });
}

Http2Memory::Slabs::~Slabs() {
  for (char* const slab : all) ::munmap(slab, pieces_at_once * size);
}

void Http2Memory::rest(const Pieces& pieces) {
  if (pieces.frame) ::madvise(pieces.frame, largest_frame, MADV_DONTNEED);
  const auto* const bytes = static_cast<const char*>(pieces.table);
  // What is all zero is the same when it comes back.
  if (bytes && bytes[0] == 0 && std::memcmp(bytes, bytes + 1, table - 1) == 0) {
    ::madvise(pieces.table, table, MADV_DONTNEED);
  }
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

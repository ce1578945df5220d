#include "proxy/task.hpp"

#include <array>

namespace fairlead {

// Without a destructor, so that using them needs no look at whether they are made: FreeAtEnd has that, and is made
// with the first frame that comes from the heap.
struct FramePool::Lists {
  std::array<Free*, classes> heads{};
};
constinit thread_local FramePool::Lists FramePool::lists_{};

struct FramePool::FreeAtEnd {
  ~FreeAtEnd() {
    for (Free*& head : lists_.heads) {
      while (head) ::operator delete(std::exchange(head, head->next));
    }
  }
};

void* FramePool::from_heap(std::size_t size) {
  thread_local FreeAtEnd at_end;
  (void)&at_end;
  return ::operator new(size);
}

void* FramePool::allocate(std::size_t size) {
  const std::size_t index = class_of(size);
  if (index >= classes) return ::operator new(size);
  Free*& head = lists_.heads[index];
  if (!head) return from_heap(index * step + over);
  return std::exchange(head, head->next);
}

void FramePool::release(void* frame, std::size_t size) noexcept {
  const std::size_t index = class_of(size);
  if (index >= classes) {
    ::operator delete(frame);
    return;
  }
  Free*& head = lists_.heads[index];
  head = new (frame) Free{head};
}

}  // namespace fairlead

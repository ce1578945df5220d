#include "proxy/task.hpp"

#include <array>

namespace fairlead {

struct FramePool::Lists {
  std::array<Free*, classes> heads{};

  ~Lists() {
    for (Free* head : heads) {
      while (head) ::operator delete(std::exchange(head, head->next));
    }
  }
};

FramePool::Lists& FramePool::lists() {
  thread_local Lists lists;
  return lists;
}

void* FramePool::allocate(std::size_t size) {
  const std::size_t index = (size + step - 1) / step;
  if (index >= classes) return ::operator new(size);
  Free*& head = lists().heads[index];
  if (!head) return ::operator new(index* step);
  return std::exchange(head, head->next);
}

void FramePool::release(void* frame, std::size_t size) noexcept {
  const std::size_t index = (size + step - 1) / step;
  if (index >= classes) {
    ::operator delete(frame);
    return;
  }
  Free*& head = lists().heads[index];
  head = new (frame) Free{head};
}

}  // namespace fairlead

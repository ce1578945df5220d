#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <utility>

namespace fairlead {

// Coroutine frames come from free lists of the thread, by size: steady traffic allocates nothing. A frame must be freed
// on the thread that made it, which holds because a Worker's coroutines never leave it.
class FramePool {
 public:
  static void* allocate(std::size_t size);
  static void release(void* frame, std::size_t size) noexcept;

 private:
  // As the heap has them: a piece of its own holds 8 bytes more than a multiple of 16.
  static constexpr std::size_t step = 16;
  static constexpr std::size_t over = 8;
  static constexpr std::size_t classes = 256;  // frames up to 4 KB; larger ones go to the heap
  static constexpr std::size_t class_of(std::size_t size) { return (size - over + step - 1) / step; }
  struct Free {
    Free* next;
  };
  struct Lists;
  struct FreeAtEnd;
  static void* from_heap(std::size_t size);
  static thread_local Lists lists_;
};

struct TaskPromiseBase {
  std::coroutine_handle<> continuation;

  static void* operator new(std::size_t size) { return FramePool::allocate(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { FramePool::release(frame, size); }

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      const std::coroutine_handle<> next = self.promise().continuation;
      return next ? next : std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }  // an exception here is a bug of ours
};

template <class T>
struct TaskPromise : TaskPromiseBase {
  T result{};

  std::coroutine_handle<TaskPromise> get_return_object() {
    return std::coroutine_handle<TaskPromise>::from_promise(*this);
  }
  void return_value(T value) { result = std::move(value); }
  T take() { return std::move(result); }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  std::coroutine_handle<TaskPromise> get_return_object() {
    return std::coroutine_handle<TaskPromise>::from_promise(*this);
  }
  void return_void() {}
  void take() {}
};

// A coroutine that starts when awaited (or by start()) and resumes whoever awaited it. Owns its frame: destroying a
// Task that is suspended destroys the whole chain below it.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = TaskPromise<T>;

  Task() = default;
  Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() { destroy(); }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    handle_.promise().continuation = awaiting;
    return handle_;
  }
  T await_resume() { return handle_.promise().take(); }

  // For the outermost coroutine only.
  void start() { handle_.resume(); }
  bool done() const { return !handle_ || handle_.done(); }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  void destroy() {
    if (handle_) handle_.destroy();
  }
  std::coroutine_handle<promise_type> handle_;
};

}  // namespace fairlead

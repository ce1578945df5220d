#pragma once

#include <condition_variable>
#include <mutex>

#include "tests/support/raw_socket.hpp"

namespace fairlead::test {

// Holds threads until it is opened, for at most RawSocket::patience.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  // False when it was not opened in time.
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, RawSocket::patience, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

}  // namespace fairlead::test

#include "proxy/mailbox.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace fairlead {

Mailbox::Mailbox(ReadinessSet& readiness) {
  event_.fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  event_.target = this;
  usable_ = event_.fd >= 0 && readiness.add(event_);
}

void Mailbox::post(std::function<void()> letter) {
  {
    const std::lock_guard lock(mutex_);
    letters_.push_back(std::move(letter));
  }
  const std::uint64_t one = 1;
  (void)!::write(event_.fd, &one, sizeof one);
}

void Mailbox::run() {
  std::uint64_t count = 0;
  (void)!::read(event_.fd, &count, sizeof count);
  std::vector<std::function<void()>> letters;
  {
    const std::lock_guard lock(mutex_);
    letters.swap(letters_);
  }
  for (const std::function<void()>& letter : letters) letter();
}

}  // namespace fairlead

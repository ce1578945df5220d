#include "proxy/thread_priority.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace fairlead {
namespace {

constexpr int nicer_by = 10;  // each step is worth a fifth less time: a tenth
constexpr int nicest = 19;

// Linux 6.12 and later: of two threads that may run, the one that asks for less at a time goes first, and interrupts
// the other. Workers ask for nothing, which is about 3 ms. Older kernels take no notice.
constexpr std::uint64_t slice_ns = 100'000'000;  // the most that may be asked for

// As in linux/sched/types.h, which contradicts sched.h.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = SCHED_BATCH;  // does not interrupt others when it wakes up
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = slice_ns;
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};

}  // namespace

void give_way_to_workers() {
  SchedulingAttributes attributes;
  attributes.nice = std::min(::getpriority(PRIO_PROCESS, 0) + nicer_by, nicest);  // 0: of this thread alone
  if (::syscall(SYS_sched_setattr, 0, &attributes, 0) == 0) return;
  (void)::setpriority(PRIO_PROCESS, 0, attributes.nice);
}

}  // namespace fairlead

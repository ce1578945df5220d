#pragma once

#include <cstddef>

namespace fairlead {

// ThreadSanitizer brings an operator new that cannot be replaced: nothing is counted then.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FAIRLEAD_COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef FAIRLEAD_COUNTS_ALLOCATIONS
#define FAIRLEAD_COUNTS_ALLOCATIONS 1
#endif
inline constexpr bool counts_allocations = FAIRLEAD_COUNTS_ALLOCATIONS != 0;

// How often this thread has called operator new since it began. A program that calls this has its operator new
// replaced.
std::size_t allocation_count();

}  // namespace fairlead

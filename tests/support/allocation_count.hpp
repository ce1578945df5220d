#pragma once

#include <cstddef>

namespace fairlead {

// How often this thread has called operator new since it began. A program that calls this has its operator new
// replaced.
std::size_t allocation_count();

}  // namespace fairlead

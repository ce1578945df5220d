#pragma once

#include <malloc.h>

#include <cstddef>

namespace fairlead {

// So many objects at once leave memory behind that is worth looking for.
inline constexpr std::size_t many_objects = 500;

// Gives memory that is free back to the system, of all threads. Takes milliseconds.
inline void give_back_memory() {
  ::malloc_trim(0);
}

}  // namespace fairlead

#pragma once

#include <cstdint>

namespace fairlead {

// What the system says of this process; 0 where it says nothing.
struct ProcessFacts {
  double cpu_seconds = 0;
  double start_time_unix = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t open_descriptors = 0;
  std::uint64_t max_descriptors = 0;

  static ProcessFacts read();
};

}  // namespace fairlead

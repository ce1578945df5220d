#pragma once

#include <chrono>
#include <cstddef>
#include <ctime>
#include <string_view>

namespace fairlead {

// "Date: Tue, 24 Nov 2026 02:22:49 GMT\r\n" (RFC 9110 5.6.7), made again once a second.
class DateLine {
 public:
  // Valid until the next call.
  std::string_view at(std::chrono::system_clock::time_point now);

 private:
  std::time_t made_ = -1;
  char text_[48];
  std::size_t size_ = 0;
};

}  // namespace fairlead

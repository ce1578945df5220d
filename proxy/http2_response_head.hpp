#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "proxy/limits.hpp"

namespace fairlead {

// The heads of one response as their fields arrive, interim ones and the final one, each turned into the HTTP/1.1 head
// that says the same (RFC 9113 8.3.2): it is then read by the parser that reads every other.
class Http2ResponseHead {
 public:
  static constexpr std::size_t kept_capacity = 4 * 1024;  // between two responses

  explicit Http2ResponseHead(const Limits& limits) : limits_(limits) {}

  void clear();
  // What is beyond the limits is not kept.
  void field(std::string_view name, std::string_view value);
  // The fields of one head are all there. True when it was the final one's.
  bool complete();

  // The next whole head, or "". Valid until the next field.
  std::string_view next();
  // The name of the limit that was exceeded, or "".
  std::string_view limit() const { return limit_; }

 private:
  void append(std::string_view name, std::string_view value);

  const Limits& limits_;
  std::string text_;  // heads, one behind the other; those before at_ were taken
  std::size_t at_ = 0;
  std::size_t begin_ = 0;     // of the head that is arriving
  std::size_t received_ = 0;  // of all heads that were not taken, in bytes
  std::size_t count_ = 0;     // of its fields
  std::size_t interim_ = 0;
  std::string_view limit_;
};

}  // namespace fairlead

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead {

// Whole numbers in packed bytes: seven bits a byte, the lowest first; the last byte is below 128.

inline void pack_number(std::uint64_t number, std::string& onto) {
  for (; number > 0x7f; number >>= 7) onto += static_cast<char>((number & 0x7f) | 0x80);
  onto += static_cast<char>(number);
}

// The first so many bytes, taken off.
inline std::string_view take_bytes(std::string_view& packed, std::size_t size) {
  const std::string_view taken = packed.substr(0, size);
  packed.remove_prefix(size);
  return taken;
}

// Takes it off bytes that pack_number() wrote.
inline std::uint64_t take_number(std::string_view& packed) {
  std::uint64_t number = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<std::uint8_t>(take_bytes(packed, 1).front());
    number |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return number;
  }
}

}  // namespace fairlead

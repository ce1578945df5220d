#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead {

// An IPv4 or IPv6 address. IPv4 is held in its IPv4-mapped form (::ffff:a.b.c.d), so that a client has one address
// whichever socket family it arrived on.
class IpAddress {
 public:
  IpAddress() = default;  // "::"
  explicit IpAddress(const std::array<std::uint8_t, 16>& bytes) : bytes_(bytes) {}
  static IpAddress v4(std::uint32_t host_order);

  // Textual forms of RFC 4291 and dotted quads. No zone, no brackets, no port.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const;
  bool is_loopback() const;
  bool is_unspecified() const;
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }  // network order
  std::string to_string() const;                                        // canonical (RFC 5952)
  // Writes the canonical text (at most max_text bytes, not terminated) and returns its length. No allocation.
  std::size_t write(char* out) const;
  static constexpr std::size_t max_text = 45;

  // Byte by byte, as two numbers: a large Service is sorted and merged at every change of one of its endpoints.
  std::strong_ordering operator<=>(const IpAddress& other) const {
    const auto high = half(0) <=> other.half(0);
    return high != 0 ? high : half(1) <=> other.half(1);
  }
  bool operator==(const IpAddress& other) const { return half(0) == other.half(0) && half(1) == other.half(1); }

 private:
  std::uint64_t half(std::size_t which) const {
    std::uint64_t number = 0;
    std::memcpy(&number, bytes_.data() + which * sizeof number, sizeof number);
    return std::endian::native == std::endian::little ? __builtin_bswap64(number) : number;
  }

  std::array<std::uint8_t, 16> bytes_{};
};

// A block of addresses. "10.0.0.0/8", "fd00::/8", or a single address.
class Cidr {
 public:
  static std::optional<Cidr> parse(std::string_view text);

  bool contains(const IpAddress& address) const;
  std::string to_string() const;

  auto operator<=>(const Cidr&) const = default;

 private:
  Cidr(const IpAddress& network, unsigned prefix_bits) : network_(network), prefix_bits_(prefix_bits) {}

  IpAddress network_;           // host bits are zero
  unsigned prefix_bits_ = 128;  // counted over the 16-byte form: an IPv4 /8 is 104
};

}  // namespace fairlead

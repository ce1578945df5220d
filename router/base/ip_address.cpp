#include "router/base/ip_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace fairlead {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned mapped_bits = 96;
constexpr unsigned all_bits = 128;

void clear_host_bits(std::array<std::uint8_t, 16>& bytes, unsigned prefix_bits) {
  for (unsigned bit = prefix_bits; bit < all_bits; ++bit) {
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] & ~(0x80u >> (bit % 8)));
  }
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress address;
  std::copy(mapped_prefix.begin(), mapped_prefix.end(), address.bytes_.begin());
  for (unsigned i = 0; i < 4; ++i) address.bytes_[12 + i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  char terminated[max_text + 1];
  if (text.empty() || text.size() > max_text || text.find('\0') != std::string_view::npos) return std::nullopt;
  terminated[text.copy(terminated, max_text)] = '\0';
  in_addr four{};
  if (::inet_pton(AF_INET, terminated, &four) == 1) return v4(ntohl(four.s_addr));
  in6_addr six{};
  if (::inet_pton(AF_INET6, terminated, &six) != 1) return std::nullopt;
  IpAddress address;
  std::memcpy(address.bytes_.data(), &six, sizeof six);
  return address;
}

bool IpAddress::is_v4() const {
  return std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes_.begin());
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[12] == 127;
  return bytes_[15] == 1 && std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_unspecified() const {
  const auto zero = [](std::uint8_t byte) { return byte == 0; };
  return std::all_of(bytes_.begin() + (is_v4() ? 12 : 0), bytes_.end(), zero);
}

std::size_t IpAddress::write(char* out) const {
  if (!is_v4()) {
    char text[INET6_ADDRSTRLEN];
    ::inet_ntop(AF_INET6, bytes_.data(), text, sizeof text);
    const std::size_t size = std::strlen(text);
    std::copy_n(text, size, out);
    return size;
  }
  char* at = out;
  for (std::size_t i = 12; i < 16; ++i) {
    if (i > 12) *at++ = '.';
    at = std::to_chars(at, at + 3, bytes_[i]).ptr;
  }
  return static_cast<std::size_t>(at - out);
}

std::string IpAddress::to_string() const {
  char text[max_text];
  return {text, write(text)};
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::optional<IpAddress> address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return Cidr(*address, all_bits);
  const std::string_view digits = text.substr(slash + 1);
  const bool dotted = text.substr(0, slash).find(':') == std::string_view::npos;
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc() || end != digits.data() + digits.size() || bits > (dotted ? 32u : all_bits))
    return std::nullopt;
  if (dotted) bits += mapped_bits;
  std::array<std::uint8_t, 16> bytes = address->bytes();
  clear_host_bits(bytes, bits);
  return Cidr(IpAddress(bytes), bits);
}

bool Cidr::contains(const IpAddress& address) const {
  std::array<std::uint8_t, 16> bytes = address.bytes();
  clear_host_bits(bytes, prefix_bits_);
  return bytes == network_.bytes();
}

std::string Cidr::to_string() const {
  const bool four = network_.is_v4() && prefix_bits_ >= mapped_bits;
  return network_.to_string() + "/" + std::to_string(four ? prefix_bits_ - mapped_bits : prefix_bits_);
}

}  // namespace fairlead

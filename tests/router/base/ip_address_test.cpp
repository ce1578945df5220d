#include "router/base/ip_address.hpp"

#include <gtest/gtest.h>

#include <random>

namespace fairlead {
namespace {

TEST(IpAddress, OrderIsThatOfTheBytes) {
  std::minstd_rand random(5);
  for (int i = 0; i < 10'000; ++i) {
    std::array<std::uint8_t, 16> a{};
    for (std::uint8_t& byte : a) byte = static_cast<std::uint8_t>(random() % 3 * 127);
    std::array<std::uint8_t, 16> b = a;
    b[random() % b.size()] = static_cast<std::uint8_t>(random() % 256);
    ASSERT_EQ(IpAddress(a) <=> IpAddress(b), a <=> b);
    ASSERT_EQ(IpAddress(a) == IpAddress(b), a == b);
  }
}

TEST(IpAddress, AddressesStandInTheOrderOfTheirNumbers) {
  EXPECT_LT(IpAddress::v4(0x0a000001), IpAddress::v4(0x0a000100));
  EXPECT_LT(IpAddress::v4(0x7f000001), IpAddress::v4(0xff000000));
  EXPECT_EQ(IpAddress::v4(0x7f000001), *IpAddress::parse("127.0.0.1"));
}

}  // namespace
}  // namespace fairlead

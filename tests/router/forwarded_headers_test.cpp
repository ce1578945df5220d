#include "router/forwarded_headers.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}

struct ForwardedHeadersTest : testing::Test {
  Fields with(std::string_view forwarded_for, std::string_view proto = "") {
    storage = {{"X-Forwarded-For", forwarded_for, FieldName::x_forwarded_for}};
    if (!proto.empty()) storage.push_back({"X-Forwarded-Proto", proto, FieldName::x_forwarded_proto});
    return {storage, nullptr};
  }
  std::vector<Field> storage;
  ForwardedTrust trust{true, {Cidr::parse("10.0.0.0/8").value()}};
};

TEST_F(ForwardedHeadersTest, AreNotBelievedUnlessTheSwitchIsOn) {
  const ClientIdentity client = identify_client(ip("10.0.0.1"), false, with("1.2.3.4", "https"), {});
  EXPECT_EQ(client.address, ip("10.0.0.1"));
  EXPECT_FALSE(client.https);
  EXPECT_FALSE(client.trusted);
}

TEST_F(ForwardedHeadersTest, AreNotBelievedFromAPeerThatIsNotTrusted) {
  EXPECT_EQ(identify_client(ip("192.168.0.1"), false, with("1.2.3.4"), trust).address, ip("192.168.0.1"));
}

TEST_F(ForwardedHeadersTest, TheRightMostAddressThatIsNotTrustedIsTheClient) {
  EXPECT_EQ(identify_client(ip("10.0.0.1"), false, with("6.6.6.6, 1.2.3.4, 10.9.9.9"), trust).address, ip("1.2.3.4"));
}

TEST_F(ForwardedHeadersTest, AMalformedEntryStopsTheWalkAtTheLastGoodOne) {
  EXPECT_EQ(identify_client(ip("10.0.0.1"), false, with("6.6.6.6, unknown, 10.9.9.9"), trust).address, ip("10.9.9.9"));
}

TEST_F(ForwardedHeadersTest, ATrustedPeerSaysTheScheme) {
  EXPECT_TRUE(identify_client(ip("10.0.0.1"), false, with("1.2.3.4", "HTTPS"), trust).https);
  EXPECT_FALSE(identify_client(ip("10.0.0.1"), true, with("1.2.3.4", "http"), trust).https);
}

TEST(ForwardedField, AliasesWithUnderscoresAreStrippedToo) {
  for (const char* name : {"X-Forwarded-For", "x_forwarded_for", "X-Forwarded_Proto", "X_REAL_IP", "X-Request-Id"}) {
    EXPECT_TRUE(is_forwarded_field({name, {}, FieldName::other})) << name;
  }
  for (const char* name : {"Forwarded", "X-Forwarded", "X-Forwarded-Fork", "XX-Real-IP"}) {
    EXPECT_FALSE(is_forwarded_field({name, {}, FieldName::other})) << name;
  }
}

TEST(IpAddress, BothFamiliesReadAndWriteTheirCanonicalText) {
  EXPECT_EQ(ip("::ffff:1.2.3.4"), ip("1.2.3.4"));
  EXPECT_EQ(ip("1.2.3.4").to_string(), "1.2.3.4");
  EXPECT_EQ(ip("2001:DB8:0:0::1").to_string(), "2001:db8::1");
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4/8", "[::1]", "fe80::1%eth0", "01.2.3.4"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(Cidr, ABlockHoldsItsAddressesAndNoOthers) {
  const Cidr block = Cidr::parse("10.1.0.0/15").value();
  EXPECT_TRUE(block.contains(ip("10.1.255.255")));
  EXPECT_FALSE(block.contains(ip("10.2.0.0")));
  EXPECT_FALSE(block.contains(ip("::1")));
  EXPECT_EQ(Cidr::parse("10.1.2.3/8").value().to_string(), "10.0.0.0/8");
  EXPECT_TRUE(Cidr::parse("0.0.0.0/0").value().contains(ip("8.8.8.8")));
  EXPECT_FALSE(Cidr::parse("0.0.0.0/0").value().contains(ip("2001:db8::1")));
  for (const char* text : {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "x/8"}) {
    EXPECT_FALSE(Cidr::parse(text)) << text;
  }
}

}  // namespace
}  // namespace fairlead

#include "watcher/external_name.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

TEST(ExternalName, IsAnAddressOrADnsNameInOneForm) {
  EXPECT_EQ(canonical_name("api.example.org"), "api.example.org");
  EXPECT_EQ(canonical_name("API.Example.ORG."), "api.example.org");
  EXPECT_EQ(canonical_name("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(canonical_name("2001:DB8:0::1"), "2001:db8::1");
  EXPECT_EQ(canonical_name("::ffff:192.0.2.1"), "192.0.2.1");
  const std::string longest =
      std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." + std::string(61, 'd');
  EXPECT_EQ(canonical_name(longest), longest);
  EXPECT_EQ(canonical_name(longest + "."), longest);
}

TEST(ExternalName, OfAnyOtherFormIsNone) {
  for (const char* text : {"", ".", "a..test", "a.test..", "*.a.test", "a b.test", "a_b.test", "-a.test", "a.test:80",
                           "[::1]", "http://a.test", "a.test/x", "10.0.0.0/8"}) {
    EXPECT_FALSE(canonical_name(text)) << text;
  }
  EXPECT_FALSE(canonical_name(std::string(64, 'a') + ".test"));
  EXPECT_FALSE(canonical_name(std::string(300, 'a')));
}

TEST(ExternalName, DoesNotLeadInsideOfOurOwnPodOrMachine) {
  for (const char* text :
       {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "0.0.0.0", "0.1.2.3", "::", "169.254.169.254",
        "::ffff:169.254.1.1", "fe80::1", "febf::1", "224.0.0.1", "239.255.255.255", "ff02::1", "255.255.255.255",
        "::127.0.0.1", "::169.254.169.254", "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254"}) {
    EXPECT_NE(refusal_of(*IpAddress::parse(text)), "") << text;
  }
  for (const char* text : {"localhost", "db.localhost"}) EXPECT_NE(refusal_of_name(text), "") << text;
}

TEST(ExternalName, MayLeadAnywhereElse) {
  for (const char* text : {"10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "192.0.2.1", "1.1.1.1", "126.0.0.1",
                           "128.0.0.1", "169.253.0.1", "223.255.255.255", "2001:db8::1", "fd00::1", "fec0::1",
                           "64:ff9b::192.0.2.1", "::ffff:10.0.0.1"}) {
    EXPECT_EQ(refusal_of(*IpAddress::parse(text)), "") << text;
  }
  for (const char* text : {"localhost.test", "notlocalhost", "a.test"}) EXPECT_EQ(refusal_of_name(text), "") << text;
}

}  // namespace
}  // namespace fairlead

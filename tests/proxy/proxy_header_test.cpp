#include "proxy/proxy_header.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairlead {
namespace {

using namespace std::string_literals;

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string tcp4_addresses = "\xc0\x00\x02\x01\xc6\x33\x64\x02\x9c\x40\x01\xbb"s;
const std::string tcp6_addresses =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x9c\x40\x01\xbb"s;

std::string version_2(char command, char family, const std::string& rest) {
  return signature + command + family + static_cast<char>(rest.size() >> 8) + static_cast<char>(rest.size() & 255) +
         rest;
}

std::string source_of(const ProxyHeader& header) {
  return header.source.to_string() + " " + std::to_string(header.source_port);
}
std::string destination_of(const ProxyHeader& header) {
  return header.destination.to_string() + " " + std::to_string(header.destination_port);
}

struct GoodHeader {
  const char* what;
  std::string bytes;
  std::string source;  // "" = no addresses
  std::string destination;
};

std::vector<GoodHeader> good_headers() {
  const std::string v4 = "192.0.2.1 40000";
  const std::string v4_to = "198.51.100.2 443";
  const std::string v6 = "2001:db8::1 40000";
  const std::string v6_to = "2001:db8::2 443";
  const std::string longest_unknown = "PROXY UNKNOWN " + std::string(max_proxy_header_v1 - 16, 'x') + "\r\n";
  const std::string longest_v2 = tcp4_addresses + std::string(max_proxy_header_v2 - 16 - 12, '\x07');
  return {
      {"v1 TCP4", "PROXY TCP4 192.0.2.1 198.51.100.2 40000 443\r\n", v4, v4_to},
      {"v1 TCP6", "PROXY TCP6 2001:db8::1 2001:DB8::2 40000 443\r\n", v6, v6_to},
      {"v1 TCP6 of an IPv4 Client", "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.2 40000 443\r\n", v4, v4_to},
      {"v1 smallest and largest port", "PROXY TCP4 192.0.2.1 198.51.100.2 0 65535\r\n", "192.0.2.1 0",
       "198.51.100.2 65535"},
      {"v1 UNKNOWN", "PROXY UNKNOWN\r\n", "", ""},
      {"v1 UNKNOWN with addresses", "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "", ""},
      {"v1 UNKNOWN of 107 bytes", longest_unknown, "", ""},
      {"v2 TCP4", version_2('\x21', '\x11', tcp4_addresses), v4, v4_to},
      {"v2 TCP6", version_2('\x21', '\x21', tcp6_addresses), v6, v6_to},
      {"v2 TCP4 with TLVs", version_2('\x21', '\x11', tcp4_addresses + "\x01\0\x02h2\x04\0\x01\0"s), v4, v4_to},
      {"v2 of 1024 bytes", version_2('\x21', '\x11', longest_v2), v4, v4_to},
      {"v2 LOCAL", version_2('\x20', '\0', ""), "", ""},
      {"v2 LOCAL with a family and addresses", version_2('\x20', '\x11', tcp4_addresses), "", ""},
      {"v2 LOCAL with a family of no meaning", version_2('\x20', '\x77', "abc"), "", ""},
      {"v2 UNSPEC", version_2('\x21', '\0', "anything"), "", ""},
      {"v2 UDP4", version_2('\x21', '\x12', tcp4_addresses), "", ""},
      {"v2 UDP6", version_2('\x21', '\x22', tcp6_addresses), "", ""},
      {"v2 UNIX stream", version_2('\x21', '\x31', std::string(216, 'p')), "", ""},
      {"v2 UNIX datagram", version_2('\x21', '\x32', std::string(216, 'p')), "", ""},
  };
}

TEST(ProxyHeader, AGoodHeaderIsReadAndWhatFollowsIsLeft) {
  for (const GoodHeader& good : good_headers()) {
    for (const std::string& rest : {""s, "GET / HTTP/1.1\r\n"s, good.bytes}) {
      const ProxyHeader header = parse_proxy_header(good.bytes + rest);
      ASSERT_EQ(header.state, ProxyHeaderState::complete) << good.what;
      EXPECT_EQ(header.size, good.bytes.size()) << good.what;
      ASSERT_EQ(header.has_addresses, !good.source.empty()) << good.what;
      if (!header.has_addresses) continue;
      EXPECT_EQ(source_of(header), good.source) << good.what;
      EXPECT_EQ(destination_of(header), good.destination) << good.what;
    }
  }
}

TEST(ProxyHeader, EveryPrefixOfAGoodHeaderIsIncomplete) {
  for (const GoodHeader& good : good_headers()) {
    for (std::size_t size = 0; size < good.bytes.size(); ++size) {
      EXPECT_EQ(parse_proxy_header(std::string_view(good.bytes).substr(0, size)).state, ProxyHeaderState::incomplete)
          << good.what << " cut at " << size;
    }
  }
}

// before ends right in front of the byte that cannot stand there.
TEST(ProxyHeader, GarbageIsBadAtTheFirstByteThatCannotMatch) {
  const std::string tcp4 = "PROXY TCP4 ";
  const struct {
    const char* what;
    std::string before;
    std::string byte;
  } cases[] = {
      {"a request without a header", "", "G"},
      {"a TLS hello without a header", "", "\x16"},
      {"lower case", "", "p"},
      {"another verb that begins with P", "P", "O"},
      {"no space after PROXY", "PROXY", "\t"},
      {"two spaces", "PROXY ", " "},
      {"an unknown family", "PROXY TCP", "5"},
      {"UDP in version 1", "PROXY U", "D"},
      {"a longer word than UNKNOWN", "PROXY UNKNOWN", "S"},
      {"a bare line feed after UNKNOWN", "PROXY UNKNOWN", "\n"},
      {"a bare line feed in UNKNOWN", "PROXY UNKNOWN x", "\n"},
      {"a NUL in UNKNOWN", "PROXY UNKNOWN x", "\0"s},
      {"a carriage return without line feed", "PROXY UNKNOWN x\r", "x"},
      {"UNKNOWN with no room left for its CRLF", "PROXY UNKNOWN " + std::string(91, 'x'), "x"},
      {"an empty address", tcp4, " "},
      {"a letter in an IPv4 address", tcp4 + "192.0.2.1", "a"},
      {"a colon in an IPv4 address", tcp4, ":"},
      {"an IPv4 address of 16 characters", tcp4 + "192.168.1000.10", "0"},
      {"too few octets", tcp4 + "192.0.2", " "},
      {"an octet over 255", tcp4 + "192.0.2.256", " "},
      {"an IPv4 address in TCP6", "PROXY TCP6 192.0.2.1", " "},
      {"a zone", "PROXY TCP6 fe80::1", "%"},
      {"a malformed IPv6 address", "PROXY TCP6 1::2::3", " "},
      {"a missing destination", tcp4 + "192.0.2.1 ", "\r"},
      {"a sixth digit of a port", tcp4 + "192.0.2.1 192.0.2.2 12345", "6"},
      {"a port over 65535", tcp4 + "192.0.2.1 192.0.2.2 65536", " "},
      {"a port with a leading zero", tcp4 + "192.0.2.1 192.0.2.2 0443", " "},
      {"a signed port", tcp4 + "192.0.2.1 192.0.2.2 ", "+"},
      {"a missing port", tcp4 + "192.0.2.1 192.0.2.2 1", "\r"},
      {"a space after the last port", tcp4 + "192.0.2.1 192.0.2.2 1 2", " "},
      {"a bare line feed at the end", tcp4 + "192.0.2.1 192.0.2.2 1 2", "\n"},
      {"a carriage return alone at the end", tcp4 + "192.0.2.1 192.0.2.2 1 2\r", "\r"},
      {"another signature", "\r\n\r\n\0\r\nQUI"s, "t"},
      {"version 1 in the binary form", signature, "\x11"},
      {"version 3", signature, "\x31"},
      {"an unassigned command", signature, "\x22"},
      {"an unassigned family", signature + "\x21", "\x41"},
      {"an unassigned transport", signature + "\x21", "\x13"},
      {"IPv4 without a transport", signature + "\x21", "\x10"},
      {"a length that is over any bound", signature + "\x21\x11", "\x04"},
      {"one byte over the bound", signature + "\x21\x11\x03", "\xf1"},
      {"a LOCAL header over the bound", signature + "\x20\x11\x03", "\xf1"},
      {"TCP4 with 11 bytes of addresses", signature + "\x21\x11\0"s, "\x0b"},
      {"TCP6 with 35 bytes of addresses", signature + "\x21\x21\0"s, "\x23"},
      {"UDP4 with 11 bytes of addresses", signature + "\x21\x12\0"s, "\x0b"},
      {"UNIX with 215 bytes of addresses", signature + "\x21\x31\0"s, "\xd7"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(parse_proxy_header(c.before).state, ProxyHeaderState::incomplete) << c.what;
    EXPECT_EQ(parse_proxy_header(c.before + c.byte).state, ProxyHeaderState::bad) << c.what;
  }
}

TEST(ProxyHeader, AByteChangedInTheFixedPartNeverGivesOtherAddressesUnnoticed) {
  const std::string good = version_2('\x21', '\x11', tcp4_addresses);
  for (std::size_t at = 0; at < 14; ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(value);
      if (bytes == good) continue;
      const ProxyHeader header = parse_proxy_header(bytes);
      const bool tells_addresses = header.state == ProxyHeaderState::complete && header.has_addresses;
      EXPECT_FALSE(tells_addresses) << at << " " << value;
    }
  }
}

}  // namespace
}  // namespace fairlead

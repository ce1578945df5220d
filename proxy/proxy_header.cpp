#include "proxy/proxy_header.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace fairlead {
namespace {

using namespace std::string_view_literals;

constexpr ProxyHeader incomplete{};
constexpr ProxyHeader bad{.state = ProxyHeaderState::bad,
                          .size = 0,
                          .has_addresses = false,
                          .source = {},
                          .source_port = 0,
                          .destination = {},
                          .destination_port = 0};

// Walks a version 1 line, however much of it is there.
class LineReader {
 public:
  explicit LineReader(std::string_view bytes) : bytes_(bytes.substr(0, max_proxy_header_v1)) {}

  ProxyHeaderState state() const { return state_; }
  bool good() const { return state_ == ProxyHeaderState::complete; }
  std::size_t position() const { return at_; }

  void expect(std::string_view text) {
    for (const char wanted : text) {
      if (!good()) return;
      const std::optional<char> found = peek();
      if (found && *found != wanted) state_ = ProxyHeaderState::bad;
      if (good()) ++at_;
    }
  }

  // The next byte, which the line goes on with; nothing when it is not there yet (and then never good()).
  std::optional<char> peek() {
    if (!good()) return std::nullopt;
    if (at_ < bytes_.size()) return bytes_[at_];
    state_ = at_ == max_proxy_header_v1 ? ProxyHeaderState::bad : ProxyHeaderState::incomplete;
    return std::nullopt;
  }

  // At least one and at most max_size characters of the set, then the end character, which is not part of the result.
  std::string_view field(std::string_view set, std::size_t max_size, char end) {
    const std::size_t begin = at_;
    while (const std::optional<char> next = peek()) {
      const std::size_t size = at_ - begin;
      if (*next == end && size > 0) return bytes_.substr(begin, (at_++) - begin);
      if (set.find(*next) == std::string_view::npos || size == max_size) {
        state_ = ProxyHeaderState::bad;
        break;
      }
      ++at_;
    }
    return {};
  }

  IpAddress address(bool v4) {
    const std::string_view text =
        v4 ? field("0123456789.", 15, ' ') : field("0123456789abcdefABCDEF:.", IpAddress::max_text, ' ');
    if (!good()) return {};
    const std::optional<IpAddress> parsed = IpAddress::parse(text);
    const bool written_as_v4 = text.find(':') == std::string_view::npos;
    if (!parsed || written_as_v4 != v4) state_ = ProxyHeaderState::bad;
    return parsed.value_or(IpAddress());
  }

  std::uint16_t port(char end) {
    const std::string_view text = field("0123456789", 5, end);
    if (!good()) return 0;
    std::uint32_t number = 0;
    for (const char digit : text) number = number * 10 + static_cast<std::uint32_t>(digit - '0');
    const bool leading_zero = text.size() > 1 && text[0] == '0';
    if (leading_zero || number > UINT16_MAX) state_ = ProxyHeaderState::bad;
    return static_cast<std::uint16_t>(number);
  }

  // Whatever an UNKNOWN line goes on with, up to and with its CRLF: visible characters and spaces.
  void rest() {
    while (const std::optional<char> next = peek()) {
      if (*next == '\r') break;
      const unsigned char byte = static_cast<unsigned char>(*next);
      if (byte < 0x20 || byte > 0x7e || at_ + 2 >= max_proxy_header_v1) state_ = ProxyHeaderState::bad;
      if (good()) ++at_;
    }
    expect("\r\n");
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  ProxyHeaderState state_ = ProxyHeaderState::complete;
};

ProxyHeader finish(const LineReader& line, ProxyHeader header) {
  if (!line.good()) return line.state() == ProxyHeaderState::bad ? bad : incomplete;
  header.state = ProxyHeaderState::complete;
  header.size = line.position();
  return header;
}

// "PROXY TCP4 192.0.2.1 192.0.2.2 40000 443\r\n"
ProxyHeader parse_v1(std::string_view bytes) {
  LineReader line(bytes);
  ProxyHeader header;
  line.expect("PROXY ");
  const std::optional<char> kind = line.peek();
  if (kind == 'U') {
    line.expect("UNKNOWN");
    const std::optional<char> next = line.peek();
    if (next == ' ') {
      line.rest();
    } else {
      line.expect("\r\n");
    }
    return finish(line, header);
  }
  line.expect("TCP");
  const std::optional<char> version = line.peek();
  const bool v4 = version == '4';
  line.expect(v4 ? "4 " : "6 ");
  header.has_addresses = true;
  header.source = line.address(v4);
  header.destination = line.address(v4);
  header.source_port = line.port(' ');
  header.destination_port = line.port('\r');
  line.expect("\n");
  return finish(line, header);
}

constexpr std::string_view v2_signature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t v2_fixed_size = 16;  // signature, version and command, family, length

// Size of the address block that a family and transport byte promises; nothing for a byte that means nothing.
std::optional<std::size_t> v2_address_size(unsigned char family) {
  switch (family) {
    case 0x00:  // UNSPEC
      return 0;
    case 0x11:  // TCP over IPv4
    case 0x12:  // UDP over IPv4
      return 12;
    case 0x21:  // TCP over IPv6
    case 0x22:  // UDP over IPv6
      return 36;
    case 0x31:  // UNIX stream
    case 0x32:  // UNIX datagram
      return 216;
    default:
      return std::nullopt;
  }
}

std::uint16_t read_u16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

IpAddress read_address(std::string_view bytes, std::size_t at, bool v4) {
  if (v4) return IpAddress::v4(std::uint32_t{read_u16(bytes, at)} << 16 | read_u16(bytes, at + 2));
  std::array<std::uint8_t, 16> address{};
  std::transform(bytes.begin() + at, bytes.begin() + at + 16, address.begin(),
                 [](char c) { return static_cast<std::uint8_t>(c); });
  return IpAddress(address);
}

void read_v2_addresses(std::string_view bytes, bool v4, ProxyHeader& header) {
  const std::size_t address_size = v4 ? 4 : 16;
  std::size_t at = v2_fixed_size;
  header.has_addresses = true;
  header.source = read_address(bytes, at, v4);
  header.destination = read_address(bytes, at += address_size, v4);
  header.source_port = read_u16(bytes, at += address_size);
  header.destination_port = read_u16(bytes, at + 2);
}

ProxyHeader parse_v2(std::string_view bytes) {
  const std::size_t known = std::min(bytes.size(), v2_signature.size());
  if (bytes.substr(0, known) != v2_signature.substr(0, known)) return bad;
  if (bytes.size() <= 12) return incomplete;
  const unsigned char version_and_command = static_cast<unsigned char>(bytes[12]);
  if (version_and_command != 0x20 && version_and_command != 0x21) return bad;
  const bool local = version_and_command == 0x20;
  if (bytes.size() <= 13) return incomplete;
  const unsigned char family = static_cast<unsigned char>(bytes[13]);
  // The family of a LOCAL header is to be ignored (specification, section 2.2).
  const std::optional<std::size_t> address_size = local ? 0 : v2_address_size(family);
  if (!address_size) return bad;
  if (bytes.size() <= 14) return incomplete;
  const std::size_t least_length = std::size_t{static_cast<unsigned char>(bytes[14])} << 8;
  if (v2_fixed_size + least_length > max_proxy_header_v2) return bad;
  if (bytes.size() <= 15) return incomplete;
  const std::size_t length = read_u16(bytes, 14);
  if (length < *address_size || v2_fixed_size + length > max_proxy_header_v2) return bad;
  if (bytes.size() < v2_fixed_size + length) return incomplete;
  ProxyHeader header;
  header.state = ProxyHeaderState::complete;
  header.size = v2_fixed_size + length;
  if (!local && (family == 0x11 || family == 0x21)) read_v2_addresses(bytes, family == 0x11, header);
  return header;
}

}  // namespace

ProxyHeader parse_proxy_header(std::string_view bytes) {
  if (bytes.empty()) return incomplete;
  if (bytes[0] == 'P') return parse_v1(bytes);
  return parse_v2(bytes);
}

}  // namespace fairlead

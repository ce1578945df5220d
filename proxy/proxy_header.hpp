#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "router/base/ip_address.hpp"

namespace fairlead {

enum class ProxyHeaderState : std::uint8_t { incomplete, complete, bad };

// What a PROXY protocol header (versions 1 and 2) at the front of a connection says.
struct ProxyHeader {
  ProxyHeaderState state = ProxyHeaderState::incomplete;
  std::size_t size = 0;  // bytes of the header, once complete: what follows is the Client's
  // False when the sender speaks for itself (LOCAL) or names no TCP addresses (UNKNOWN, UNSPEC, UDP, UNIX): then the
  // addresses of the connection hold.
  bool has_addresses = false;
  IpAddress source;
  std::uint16_t source_port = 0;
  IpAddress destination;
  std::uint16_t destination_port = 0;
};

// Longest line of version 1, its CRLF included (specification, section 2.1).
inline constexpr std::size_t max_proxy_header_v1 = 107;
// Longest header of version 2 we take: addresses and TLVs of a sane sender, and far from what the length field allows.
inline constexpr std::size_t max_proxy_header_v2 = 1024;

// Looks at the bytes received so far. Bad as soon as they cannot become a header; incomplete bytes are to be given
// again, whole, when more have arrived.
ProxyHeader parse_proxy_header(std::string_view bytes);

}  // namespace fairlead

#pragma once

#include <cstdint>
#include <string_view>

#include "router/base/ip_address.hpp"

namespace fairlead {

// Who is at the other end of a client's connection.
struct ClientAddress {
  IpAddress address;  // of the connection, or of its PROXY header
  std::uint16_t port = 0;
  std::uint16_t local_port = 0;  // that the Client connected to, here or at the sender of the PROXY header
  bool tls = false;
  bool tls_before = false;       // the sender of the PROXY header took the connection at 443: TLS ended there
  std::string_view server_name;  // SNI, canonical; "". The TLS session's.
};

}  // namespace fairlead

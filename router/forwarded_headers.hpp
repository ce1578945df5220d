#pragma once

#include <string_view>
#include <vector>

#include "router/base/ip_address.hpp"
#include "router/head.hpp"

namespace fairlead {

// Whether forwarded headers of a peer are believed (contract 2.4.9). Off by default: they are replaced.
struct ForwardedTrust {
  bool use_forwarded_headers = false;
  std::vector<Cidr> trusted;  // peers whose headers are believed when the switch is on
};

// Who the Client is, once PROXY protocol and trusted headers have had their say.
struct ClientIdentity {
  IpAddress address;
  bool https = false;
  std::string_view forwarded_host;  // a trusted X-Forwarded-Host, or ""
  std::string_view forwarded_port;  // a trusted X-Forwarded-Port, or ""
  bool trusted = false;             // the peer's forwarded headers are believed
};

// Pure. peer: the address of the connection (or of the PROXY header). With trust, the right-most address in
// X-Forwarded-For that is not trusted itself is the Client.
ClientIdentity identify_client(const IpAddress& peer, bool tls, const Fields& fields, const ForwardedTrust& trust);

// The fields that Fairlead itself sets towards an upstream: received ones of these names, and aliases of them spelt
// with '_' for '-', are dropped.
bool is_forwarded_field(const Field& field);

// Forwarded (RFC 7239) and X-Forwarded-* of any kind, aliases included: claims about a Client that only a trusted peer
// may make.
bool is_forwarding_claim(const Field& field);

}  // namespace fairlead

#pragma once

#include <optional>
#include <string_view>

#include "router/config.hpp"

namespace fairlead {

// What a Service port's appProtocol says about how it is spoken to, in any case. Kubernetes defines kubernetes.io/h2c,
// kubernetes.io/ws and kubernetes.io/wss (WebSocket is HTTP/1.1, the latter over TLS); names without a prefix are those
// of IANA's registry (RFC 6335), of which http, its alias www-http, and https are about HTTP. None for all others,
// "" included. "grpc" is one of them: it is in no registry, Kubernetes took its own name for it back (KEP-3726), and
// those who use it do not agree on whether it is over TLS.
std::optional<UpstreamProtocol> app_protocol(std::string_view text);

}  // namespace fairlead

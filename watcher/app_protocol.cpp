#include "watcher/app_protocol.hpp"

#include "router/head.hpp"

namespace fairlead {

std::optional<UpstreamProtocol> app_protocol(std::string_view text) {
  struct Name {
    std::string_view text;
    UpstreamProtocol protocol;
  };
  constexpr Name names[] = {
      {"http", UpstreamProtocol::http},
      {"www-http", UpstreamProtocol::http},
      {"kubernetes.io/ws", UpstreamProtocol::http},
      {"https", UpstreamProtocol::https},
      {"kubernetes.io/wss", UpstreamProtocol::https},
      {"kubernetes.io/h2c", UpstreamProtocol::h2c},
  };
  for (const Name& name : names) {
    if (equal_ignoring_case(text, name.text)) return name.protocol;
  }
  return std::nullopt;
}

}  // namespace fairlead

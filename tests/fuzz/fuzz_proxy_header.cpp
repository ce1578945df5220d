// A PROXY header is decided once: by its own bytes, at its last one, and whatever follows changes nothing.
#include "proxy/proxy_header.hpp"
#include "tests/fuzz/fuzz_input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace fairlead;
  const std::string_view received(reinterpret_cast<const char*>(data), size);
  const ProxyHeader whole = parse_proxy_header(received);
  if (whole.state == ProxyHeaderState::incomplete) require(size < max_proxy_header_v2, "waiting for more has an end");
  if (whole.state == ProxyHeaderState::complete) {
    require(whole.size > 0 && whole.size <= std::min(size, max_proxy_header_v2), "a header has a bounded size");
  }
  bool decided = false;
  for (std::size_t cut = 0; cut <= std::min(size, max_proxy_header_v2); ++cut) {
    const std::string bytes(received.substr(0, cut));
    const ProxyHeader header = parse_proxy_header(bytes);
    if (header.state == ProxyHeaderState::incomplete) {
      require(!decided, "what was decided stays decided");
      continue;
    }
    decided = true;
    require(header.state == whole.state && header.size == whole.size, "more bytes change nothing");
    require(header.has_addresses == whole.has_addresses && header.source == whole.source &&
                header.source_port == whole.source_port && header.destination == whole.destination &&
                header.destination_port == whole.destination_port,
            "more bytes change no address");
    require(header.state == ProxyHeaderState::bad || header.size <= cut, "a header is complete with its last byte");
  }
  require(decided == (whole.state != ProxyHeaderState::incomplete), "the verdict falls as early as it can");
  return 0;
}

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/support/any_client.hpp"
#include "tests/support/gate.hpp"
#include "tests/support/http2_client.hpp"
#include "tests/support/test_proxy.hpp"

namespace fairlead::test {

// A proxy that leads a.test to one origin that is spoken to in HTTP/2, in clear text. Nothing is tried twice unless the
// test says so.
class Http2UpstreamFront : public testing::Test {
 protected:
  // What the origin does with each connection, once it has its preface. server_settings: as Http2Client takes them.
  void serve(const std::function<void(Http2Client& server)>& script, const std::string& server_settings = {}) {
    start(std::make_unique<Origin>([script, server_settings](RawSocket& connection) {
      Http2Client server = Http2Client::serving(connection, server_settings);
      script(server);
      connection.finish();
      server.read_to_end();
    }));
  }
  void start(std::unique_ptr<Origin> with) {
    origin = std::move(with);
    lead_to(origin->port());
    proxy.start();
  }
  void lead_to(std::uint16_t port) {
    proxy.route("a.test", "/", {port}, [this](TestProxy::Routed& routed) {
      routed.upstream.protocol = UpstreamProtocol::h2c;
      routed.route.settings = settings;
    });
  }
  bool logged(std::string_view text) const { return proxy.log.text().find(text) != std::string::npos; }
  // So many clients that have asked and not read.
  std::vector<RawSocket> start_clients(std::size_t count) {
    std::vector<RawSocket> clients;
    for (std::size_t i = 0; i < count; ++i) {
      clients.push_back(proxy.connect());
      clients.back().send("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a.test\r\n\r\n");
    }
    return clients;
  }

  PathSettings settings{.next_upstream_tries = 1};
  std::unique_ptr<Origin> origin;
  TestProxy proxy;
};

inline constexpr std::string_view a_post = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc";

}  // namespace fairlead::test

#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string_view>

#include "tests/support/http2_client.hpp"
#include "tests/support/test_proxy.hpp"

namespace fairlead::test {

// One HTTP/2 client of a proxy that leads a.test to one origin.
class Http2Front : public testing::Test {
 protected:
  // settings: the client's, as Http2Client takes them.
  void serve(const Origin& origin, std::string_view settings = {}) { serve(origin.port(), settings); }
  void serve(std::uint16_t port, std::string_view settings = {}) {
    proxy.route("a.test", "/", {port});
    proxy.start();
    start_client(settings);
  }
  void start_client(std::string_view settings = {}) {
    socket = proxy.connect();
    client = std::make_unique<Http2Client>(socket, settings);
  }

  TestProxy proxy;
  RawSocket socket;
  std::unique_ptr<Http2Client> client;
};

}  // namespace fairlead::test

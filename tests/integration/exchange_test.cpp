#include <gtest/gtest.h>

#include "tests/support/test_proxy.hpp"

namespace fairlead {
namespace {

using namespace test;

class ExchangeTest : public testing::Test {
 protected:
  TestProxy proxy;
};

TEST_F(ExchangeTest, ARequestReachesTheServiceOfItsHost) {
  Origin a(Origin::saying("from a"));
  Origin b(Origin::saying("from b"));
  proxy.route("a.test", "/", {a.port()});
  proxy.route("b.test", "/", {b.port()});
  proxy.start();
  EXPECT_EQ(proxy.get("a.test").body, "from a");
  EXPECT_EQ(proxy.get("b.test").body, "from b");
  EXPECT_EQ(proxy.get("c.test").status, 404);
}

// As ingress-nginx does: load balancers ask nodes by their address.
TEST_F(ExchangeTest, TheHealthOfUnknownHostsIsFine) {
  Origin a(Origin::saying("from a"));
  proxy.route("a.test", "/", {a.port()});
  proxy.start();
  EXPECT_EQ(proxy.get("192.0.2.1", "/healthz").status, 200);
  EXPECT_EQ(proxy.get("192.0.2.1", "/healthz/x").status, 404);
  EXPECT_EQ(proxy.get("a.test", "/healthz").body, "from a");
}

TEST_F(ExchangeTest, ConnectionsToClientsAndServicesAreKept) {
  Origin origin(Origin::saying("hello"));
  proxy.route("a.test", "/", {origin.port()});
  proxy.start();
  RawSocket client = proxy.connect();
  for (int i = 0; i < 20; ++i) {
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    ASSERT_EQ(read_response(client).body, "hello");
  }
  EXPECT_EQ(origin.connections(), 1);
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.counter(&WorkerCounters::requests) == 20; }));
}

TEST_F(ExchangeTest, PipelinedRequestsAreAnsweredInOrder) {
  Origin origin(Origin::answering([](const RawRequest& request) { return ok(request.line()); }));
  proxy.route("a.test", "/", {origin.port()});
  proxy.start();
  RawSocket client = proxy.connect();
  std::string all;
  for (int i = 0; i < 50; ++i) all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a.test\r\n\r\n";
  client.send(all);
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(read_response(client).body, "GET /" + std::to_string(i) + " HTTP/1.1");
  }
}

TEST_F(ExchangeTest, BodiesStreamBothWays) {
  Origin origin(Origin::answering([](const RawRequest& request) { return ok(request.body); }));
  proxy.route("a.test", "/", {origin.port()},
              [](TestProxy::Routed& routed) { routed.route.settings.max_body_bytes = 0; });
  proxy.start();
  const std::string body(3 * 1024 * 1024 + 7, 'x');
  RawSocket client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
  std::thread sender([&] { client.send(body); });
  const RawResponse response = read_response(client);
  sender.join();
  EXPECT_TRUE(response.complete);
  EXPECT_EQ(response.body, body);
}

}  // namespace
}  // namespace fairlead

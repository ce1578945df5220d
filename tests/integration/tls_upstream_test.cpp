#include <gtest/gtest.h>

#include "tests/support/test_proxy.hpp"
#include "tests/support/tls_socket.hpp"

namespace fairlead {
namespace {

using namespace test;

class TlsUpstream : public testing::Test {
 protected:
  void route_to(std::uint16_t port) {
    proxy.route("a.test", "/", {port}, [this](TestProxy::Routed& routed) {
      routed.upstream.protocol = UpstreamProtocol::https;
      routed.route.settings.connect_timeout = connect_timeout;
    });
  }

  TestProxy proxy;
  std::chrono::milliseconds connect_timeout{5000};
  SslCtxPtr context = tls_server_context(make_certificate({"anything.test"}));
};

TEST_F(TlsUpstream, IsSpokenToOverKeptConnections) {
  Origin secure(over_tls(context.get(), Origin::answering([](const RawRequest& request) {
                           return ok(request.line() + " " + request.field("X-Forwarded-Proto"));
                         })));
  route_to(secure.port());
  proxy.start();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(proxy.get("a.test", "/x").body, "GET /x HTTP/1.1 http");
  EXPECT_EQ(secure.connections(), 1);
  EXPECT_EQ(proxy.counter(&WorkerCounters::upstream_reuses), 4u);
}

TEST_F(TlsUpstream, TakesAndGivesBigBodies) {
  Origin secure(over_tls(context.get(), Origin::answering([](const RawRequest& request) { return ok(request.body); })));
  route_to(secure.port());
  proxy.start();
  const std::string body(1000 * 1000, 'y');
  RawSocket socket = proxy.connect();
  socket.send("PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_TRUE(read_response(socket).body == body);
}

TEST_F(TlsUpstream, ThatSpeaksNoTlsIsABadGateway) {
  Origin plain([](RawSocket& connection) {
    connection.read_some();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    connection.at_end();
  });
  route_to(plain.port());
  proxy.start();
  EXPECT_EQ(proxy.get("a.test").status, 502);
  EXPECT_NE(proxy.log.text().find("TLS handshake with the upstream failed"), std::string::npos) << proxy.log.text();
}

TEST_F(TlsUpstream, ThatHangsUpInTheHandshakeIsABadGateway) {
  Origin hanging_up([](RawSocket& connection) { connection.read_some(); });
  route_to(hanging_up.port());
  proxy.start();
  EXPECT_EQ(proxy.get("a.test").status, 502);
}

TEST_F(TlsUpstream, ThatNeverAnswersTheHandshakeIsATimeout) {
  Origin silent([](RawSocket& connection) { connection.at_end(); });
  connect_timeout = std::chrono::milliseconds(50);
  route_to(silent.port());
  proxy.start();
  EXPECT_EQ(proxy.get("a.test").status, 504);
}

TEST_F(TlsUpstream, AnotherEndpointIsTriedWhenAHandshakeFails) {
  Origin broken([](RawSocket& connection) { connection.read_some(); });
  Origin secure(over_tls(context.get(), Origin::saying("secure")));
  proxy.route("a.test", "/", {broken.port(), secure.port()},
              [](TestProxy::Routed& routed) { routed.upstream.protocol = UpstreamProtocol::https; });
  proxy.start();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(proxy.get("a.test").body, "secure");
}

TEST_F(TlsUpstream, ACutResponseIsNotPassedOnAsWhole) {
  Origin cutting(over_tls(context.get(), [](RawSocket& connection) {
    read_request(connection);
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
  }));
  route_to(cutting.port());
  proxy.start();
  const RawResponse response = proxy.get("a.test");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "only this");
  EXPECT_FALSE(response.complete);
}

}  // namespace
}  // namespace fairlead

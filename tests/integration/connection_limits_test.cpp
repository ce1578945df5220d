#include <gtest/gtest.h>
#include <poll.h>

#include "tests/support/gate.hpp"
#include "tests/support/test_proxy.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using namespace test;

class ConnectionLimits : public testing::Test {
 protected:
  void serve() {
    proxy.route("a.test", "/", {origin.port()},
                [](TestProxy::Routed& routed) { routed.route.settings.max_body_bytes = 10; });
    proxy.start();
  }
  bool hit(std::string_view limit, std::uint64_t times = 1) {
    return TestProxy::eventually([&] { return proxy.limit_hits(limit) == times; });
  }
  RawResponse get(RawSocket& client) {
    client.send(request);
    return read_response(client);
  }

  const std::string request = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
  TestProxy proxy;
  Origin origin{Origin::saying("hello")};
};

TEST_F(ConnectionLimits, WhatIsPipelinedBeyondItsLimitWaitsInTheSocket) {
  Limits& limits = proxy.options.limits;
  limits.max_pipelined_bytes = limits.max_request_head_bytes = 1024;
  limits.max_chunk_extension_bytes = limits.max_trailer_bytes = 64;
  serve();
  const std::size_t fitting = 1023 / request.size();
  for (const std::size_t count : {fitting, std::size_t{200}}) {
    RawSocket client = proxy.connect();
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += request;
    client.send(all);
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(read_response(client).body, "hello");
    EXPECT_EQ(proxy.limit_hits("max_pipelined_bytes") > 0, count > fitting);
  }
}

TEST_F(ConnectionLimits, TheLastRequestOfAConnectionSaysSo) {
  proxy.options.limits.max_keepalive_requests = 3;
  serve();
  RawSocket client = proxy.connect();
  for (int i = 1; i <= 3; ++i) {
    const RawResponse response = get(client);
    EXPECT_EQ(response.body, "hello");
    EXPECT_EQ(response.has("Connection"), i == 3);
    EXPECT_EQ(proxy.limit_hits("max_keepalive_requests"), i == 3 ? 1u : 0u);
  }
  EXPECT_TRUE(client.at_end());
}

TEST_F(ConnectionLimits, ConnectionsPastTheirMaximumAreClosedAtOnce) {
  proxy.options.limits.max_connections = 2;
  serve();
  RawSocket one = proxy.connect(), two = proxy.connect();
  EXPECT_EQ(get(one).body, "hello");
  EXPECT_EQ(get(two).body, "hello");
  EXPECT_EQ(proxy.limit_hits("max_connections"), 0u);
  for (std::uint64_t i = 1; i <= 5; ++i) {
    RawSocket more = proxy.connect();
    EXPECT_TRUE(more.at_end());
    EXPECT_TRUE(hit("max_connections", i));
    EXPECT_EQ(proxy.counter(&WorkerCounters::shed), i);
  }
  EXPECT_NE(proxy.log.text().find("max-connections are open"), std::string::npos);
  EXPECT_EQ(get(one).body, "hello") << "the others are unharmed";
  two.close();
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 1; }));
  EXPECT_EQ(proxy.get("a.test").body, "hello") << "there is room again";
}

TEST_F(ConnectionLimits, ATunnelPassesMoreThanItsBufferInOrder) {
  proxy.options.limits.max_tunnel_buffer_bytes = 1024;
  Origin echo([](RawSocket& connection) {
    if (!read_request(connection).complete) return;
    connection.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n");
    for (std::string bytes = connection.read_some(); !bytes.empty(); bytes = connection.read_some()) {
      if (!connection.send(bytes)) return;
    }
  });
  proxy.route("echo.test", "/", {echo.port()});
  serve();
  RawSocket client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: echo.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
  EXPECT_TRUE(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
  std::string all;
  for (int i = 0; i < 300'000; ++i) all += std::to_string(i) + ' ';
  std::thread sender([&] {
    client.send(all);
    client.finish();
  });
  EXPECT_TRUE(client.read_to_end() == all);
  sender.join();
}

class TimeLimits : public ConnectionLimits {};

TEST_F(TimeLimits, AHeadThatDoesNotComeIsA408) {
  proxy.options.limits.header_timeout = 200ms;
  serve();
  RawSocket client = proxy.connect();
  EXPECT_EQ(get(client).status, 200);
  EXPECT_EQ(proxy.limit_hits("header_timeout"), 0u);
  client.send("GET / HTTP/1.1\r\nHost: a.t");
  const RawResponse response = read_response(client);
  EXPECT_EQ(response.status, 408);
  EXPECT_EQ(response.field("Connection"), "close");
  EXPECT_TRUE(hit("header_timeout"));
}

// The time is that of the whole head, not of a pause.
TEST_F(TimeLimits, AHeadThatTricklesIsA408AsWell) {
  proxy.options.limits.header_timeout = 200ms;
  serve();
  RawSocket client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a.test\r\nA: ");
  pollfd answer{client.fd(), POLLIN, 0};
  EXPECT_TRUE(TestProxy::eventually([&] { return ::poll(&answer, 1, 10) == 1 || !client.send("x"); }));
  EXPECT_EQ(read_response(client).status, 408);
}

TEST_F(TimeLimits, ABodyThatStopsIsA408) {
  proxy.options.limits.body_timeout = 200ms;
  serve();
  RawSocket client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(read_response(client).status, 200);
  EXPECT_EQ(proxy.limit_hits("body_timeout"), 0u);
  client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhell");
  EXPECT_EQ(read_response(client).status, 408);
  EXPECT_TRUE(hit("body_timeout"));
}

TEST_F(TimeLimits, AnIdleConnectionIsClosed) {
  proxy.options.limits.idle_timeout = 200ms;
  serve();
  RawSocket silent = proxy.connect(), used = proxy.connect();
  EXPECT_EQ(get(used).status, 200);
  EXPECT_EQ(silent.read_to_end(), "");
  EXPECT_EQ(used.read_to_end(), "") << "nothing is said, for nothing was asked";
  EXPECT_TRUE(hit("idle_timeout", 2));
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 0; }));
}

TEST_F(TimeLimits, AClientThatTakesNothingIsLeft) {
  proxy.options.limits.client_send_timeout = 200ms;
  std::atomic<bool> ended{false};
  Origin endless([&](RawSocket& connection) {
    if (!read_request(connection).complete) return;
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    const std::string piece(1 << 16, 'x');
    while (connection.send(piece)) {
    }
    ended = true;
  });
  proxy.route("endless.test", "/", {endless.port()});
  serve();
  RawSocket client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: endless.test\r\n\r\n");
  EXPECT_TRUE(hit("client_send_timeout"));
  EXPECT_TRUE(TestProxy::eventually([&] { return ended.load(); })) << "and the upstream with it";
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 0; }));
}

// The response has left the upstream whole, and waits for its client.
TEST_F(TimeLimits, AClientThatDoesNotTakeTheRestIsLeft) {
  proxy.options.limits.client_send_timeout = 200ms;
  Origin large(Origin::saying(std::string(30'000, 'x')));
  proxy.route("a.test", "/", {large.port()});
  proxy.start();
  RawSocket client = proxy.connect();
  std::thread sender([&] {
    while (client.send(request)) {
    }
  });
  EXPECT_TRUE(hit("client_send_timeout"));
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 0; }));
  sender.join();
}

TEST_F(TimeLimits, ATlsHandshakeThatDoesNotEndIsClosed) {
  proxy.options.limits.tls_handshake_timeout = 200ms;
  serve();
  RawSocket client = RawSocket::connect(proxy.https_port());
  client.send("\x16\x03\x01");
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_TRUE(hit("tls_handshake_timeout"));
  EXPECT_EQ(proxy.counter(&WorkerCounters::tls_failures), 1u);
}

TEST_F(TimeLimits, AProxyHeaderThatDoesNotComeIsClosed) {
  proxy.options.use_proxy_protocol = true;
  proxy.options.limits.proxy_header_timeout = 200ms;
  serve();
  RawSocket good = proxy.connect();
  good.send("PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\n");
  EXPECT_EQ(get(good).body, "hello");
  EXPECT_EQ(proxy.limit_hits("proxy_header_timeout"), 0u);
  RawSocket client = proxy.connect();
  client.send("PROXY TCP4 192.0.2.1 ");
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_TRUE(hit("proxy_header_timeout"));
}

TEST_F(TimeLimits, ARefusedBodyIsNotWaitedForLongerThanLingering) {
  proxy.options.limits.lingering_close = 200ms;
  serve();
  RawSocket client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 11\r\n\r\n");
  EXPECT_EQ(read_response(client).status, 413);
  EXPECT_TRUE(client.at_end());
  EXPECT_TRUE(hit("lingering_close"));
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 0; }));
}

TEST_F(TimeLimits, ARefusedBodyIsReadWhileItComes) {
  serve();
  RawSocket client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n" + std::string(1'000'000, 'x'));
  client.finish();
  EXPECT_EQ(read_response(client).status, 413);
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_FALSE(client.was_reset()) << "a reset could take the answer with it";
  EXPECT_EQ(proxy.limit_hits("lingering_close"), 0u);
}

}  // namespace
}  // namespace fairlead

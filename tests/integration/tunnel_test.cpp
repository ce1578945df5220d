#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "tests/support/test_proxy.hpp"

// Upgrade: from an ordinary exchange to bytes both ways.
namespace fairlead {
namespace {

using namespace test;
using namespace std::chrono_literals;

const std::string upgrade =
    "GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const std::string switching =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";
const std::string get = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

class TunnelTest : public testing::Test {
 protected:
  void serve(
      const Origin& origin, const std::function<void(PathSettings&)>& change = [](PathSettings&) {}) {
    proxy.route("a.test", "/", {origin.port()}, [&](TestProxy::Routed& routed) { change(routed.route.settings); });
    proxy.start();
    client = proxy.connect();
  }
  // With the head of the 101 read.
  void switch_protocols() { ASSERT_EQ(ask(client, upgrade).status, 101); }

  TestProxy proxy;
  RawSocket client;
};

// Switches, then hands the connection over.
Origin::Handler switching_to(std::function<void(RawSocket&)> after) {
  return [after = std::move(after)](RawSocket& connection) {
    if (!read_request(connection).complete) return;
    connection.send(switching);
    after(connection);
  };
}

void echo(RawSocket& connection) {
  for (std::string bytes = connection.read_some(); !bytes.empty(); bytes = connection.read_some()) {
    connection.send(bytes);
  }
}

TEST_F(TunnelTest, AnUpgradeIsForwardedWithItsFieldsAndNothingOfTheConnection) {
  Asked asked;
  Origin origin([&](RawSocket& connection) {
    asked.add(read_request(connection));
    connection.send(switching);
    echo(connection);
  });
  serve(origin);
  const RawResponse response = ask(client, upgrade);
  EXPECT_EQ(response.head,
            "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\nUpgrade: websocket\r\nConnection: Upgrade");
  EXPECT_EQ(asked.last().field("Upgrade"), "websocket");
  EXPECT_EQ(asked.last().field("Connection"), "Upgrade");
  EXPECT_EQ(asked.last().field("Sec-WebSocket-Key"), "dGhlIHNhbXBsZSBub25jZQ==");
  for (int i = 0; i < 20; ++i) {
    const std::string word = "message " + std::to_string(i) + std::string("\0\r\n\r\n", 5);
    client.send(word);
    ASSERT_EQ(client.read_exactly(word.size()), word);
  }
}

TEST_F(TunnelTest, TheAnswerSaysTheServersNameIfThereIsToBeOne) {
  proxy.options.server_header = "shop";
  Origin origin(switching_to(echo));
  serve(origin);
  EXPECT_EQ(ask(client, upgrade).field("Server"), "shop");
}

TEST_F(TunnelTest, BytesRightBehindTheHeadsAreNotLost) {
  Origin origin([](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    connection.send(switching + "server first ");
    echo(connection);
  });
  serve(origin);
  client.send(upgrade + get);  // looks like a request, but is none
  EXPECT_EQ(read_response(client).status, 101);
  EXPECT_EQ(client.read_exactly(13 + get.size()), "server first " + get);
  EXPECT_EQ(proxy.counter(&WorkerCounters::upstream_connects), 1u);
}

// What was kept to be sent again, had the attempt failed, is not sent twice.
TEST_F(TunnelTest, ABodyOfTheUpgradeRequestIsSentOnce) {
  Origin origin([](RawSocket& connection) {
    EXPECT_EQ(read_request(connection).body, "body");
    connection.send(switching);
    echo(connection);
  });
  serve(origin);
  std::string with_body = upgrade;
  with_body.insert(with_body.size() - 2, "Content-Length: 4\r\n");
  EXPECT_EQ(ask(client, with_body + "body").status, 101);
  client.send("raw");
  EXPECT_EQ(client.read_exactly(3), "raw");
}

TEST_F(TunnelTest, EachDirectionEndsForItself) {
  Origin by_client(switching_to([](RawSocket& connection) {
    const std::string all = connection.read_to_end();
    EXPECT_TRUE(connection.at_end());
    connection.send("all: " + all);
  }));
  serve(by_client);
  switch_protocols();
  client.send("last words");
  client.finish();
  EXPECT_EQ(client.read_to_end(), "all: last words");
  EXPECT_TRUE(client.at_end());

  std::promise<std::string> heard;
  Origin by_origin(switching_to([&](RawSocket& connection) {
    connection.send("bye");
    connection.finish();
    heard.set_value(connection.read_to_end());
    EXPECT_TRUE(connection.at_end());
  }));
  proxy.route("a.test", "/", {by_origin.port()});
  proxy.publish();
  client = proxy.connect();
  switch_protocols();
  EXPECT_EQ(client.read_to_end(), "bye");
  EXPECT_TRUE(client.at_end());
  client.send("still here");
  client.finish();
  EXPECT_EQ(heard.get_future().get(), "still here");
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.counter(&WorkerCounters::requests) == 2; }));
}

TEST_F(TunnelTest, ARefusedUpgradeIsAnOrdinaryResponse) {
  Origin origin(Origin::answering([](const RawRequest& request) {
    return request.has("Upgrade") ? "HTTP/1.1 426 Upgrade Required\r\nUpgrade: other\r\nContent-Length: 2\r\n\r\nno"
                                  : ok("next");
  }));
  serve(origin);
  const RawResponse refused = ask(client, upgrade);
  EXPECT_EQ(refused.status, 426);
  EXPECT_EQ(refused.body, "no");
  EXPECT_EQ(ask(client, get).body, "next") << "still HTTP";
}

TEST_F(TunnelTest, A200IsNoTunnel) {
  Origin origin(Origin::answering([](const RawRequest& request) {
    if (!request.has("Upgrade")) return ok("next");
    return std::string("HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n");
  }));
  serve(origin);
  client.send(upgrade + get);
  EXPECT_EQ(read_response(client).status, 200);
  EXPECT_EQ(read_response(client).body, "next") << "what followed is a request";
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.counter(&WorkerCounters::requests) == 2; }));
}

TEST_F(TunnelTest, A101ThatNobodyAskedForIsA502) {
  const struct {
    const char* what;
    std::string request, answer;
  } cases[] = {
      {"no Upgrade", get, switching},
      {"Upgrade that Connection does not name", "GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\n\r\n",
       switching},
      {"an HTTP/1.0 client", "GET / HTTP/1.0\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
       switching},
      {"another protocol", upgrade, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"},
      {"no protocol", upgrade, "HTTP/1.1 101 Switching Protocols\r\n\r\n"},
  };
  std::atomic<std::size_t> current{0};
  Origin origin([&](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    connection.send(cases[current].answer);
    EXPECT_TRUE(connection.ends_here());
  });
  serve(origin);
  for (const auto& c : cases) {
    current = static_cast<std::size_t>(&c - cases);
    client = proxy.connect();
    EXPECT_EQ(ask(client, c.request).status, 502) << c.what;
  }
}

TEST_F(TunnelTest, A101BeforeTheRequestIsCompleteIsA502) {
  Origin origin([&](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    connection.send(switching);
    EXPECT_EQ(connection.read_to_end().find("GET"), std::string::npos);
  });
  serve(origin);
  std::string with_body = upgrade;
  with_body.insert(with_body.size() - 2, "Content-Length: 100\r\n");
  EXPECT_EQ(ask(client, with_body).status, 502);
}

// Another HTTP behind our back could ask for anything.
TEST_F(TunnelTest, NoOtherHttpAndNoTlsIsUpgradedTo) {
  Asked asked;
  Origin origin(Origin::keeping(asked));
  serve(origin);
  for (const std::string protocols : {"h2c", "H2C", "websocket, h2c", "h2c , websocket", "h2", "HTTP/2.0", "TLS/1.2",
                                      "websocket\r\nUpgrade: h2c", "h2c\r\nUpgrade: websocket", "", ","}) {
    EXPECT_EQ(ask(client,
                  "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: "
                  "AAMAAABkAAQAAP__\r\nUpgrade: " +
                      protocols + "\r\n\r\n")
                  .body,
              "kept")
        << protocols;
    EXPECT_FALSE(asked.last().has("Upgrade")) << protocols;
    EXPECT_FALSE(asked.last().has("Connection")) << protocols;
    EXPECT_FALSE(asked.last().has("HTTP2-Settings")) << protocols;
  }
}

TEST_F(TunnelTest, AnIdleTunnelEndsAfterTheReadTimeout) {
  Origin origin(switching_to([](RawSocket& connection) {
    EXPECT_EQ(connection.read_exactly(5), "hello");
    EXPECT_TRUE(connection.ends_here());
  }));
  serve(origin, [](PathSettings& settings) { settings.read_timeout = 300ms; });
  switch_protocols();
  client.send("hello");
  EXPECT_TRUE(client.ends_here());
}

TEST_F(TunnelTest, OneSidesAbortEndsTheOther) {
  std::promise<bool> ended;
  Origin origin(switching_to([&](RawSocket& connection) {
    connection.send(connection.read_exactly(5));
    ended.set_value(connection.ends_here());
  }));
  serve(origin);
  switch_protocols();
  client.send("hello");
  EXPECT_EQ(client.read_exactly(5), "hello");
  client.reset();
  EXPECT_TRUE(ended.get_future().get());

  Origin aborting(switching_to([](RawSocket& connection) {
    connection.read_exactly(5);
    connection.reset();
  }));
  proxy.route("a.test", "/", {aborting.port()});
  proxy.publish();
  client = proxy.connect();
  switch_protocols();
  client.send("hello");
  EXPECT_TRUE(client.ends_here());
}

TEST_F(TunnelTest, NoSnapshotEndsATunnel) {
  Origin origin(switching_to(echo));
  serve(origin);
  switch_protocols();
  for (int i = 0; i < 20; ++i) {
    if (i % 2 == 0) proxy.remove_host("a.test");
    if (i % 2 == 1) proxy.route("a.test", "/", {closed_port()});
    proxy.publish();
    client.send("ping");
    ASSERT_EQ(client.read_exactly(4), "ping");
  }
  EXPECT_EQ(proxy.get("a.test").status, 502);
}

constexpr std::size_t much = 64 * 1024 * 1024;

// What a side takes of `much` before the proxy, whose other side does not read, gives up.
std::size_t taken_by(RawSocket& socket) {
  const std::string piece(64 * 1024, 'x');
  std::size_t taken = 0;
  while (taken < much && socket.send(piece)) taken += piece.size();
  return taken;
}

TEST_F(TunnelTest, ASideThatDoesNotReadStopsTheOther) {
  proxy.options.limits.max_tunnel_buffer_bytes = 4096;
  std::promise<std::size_t> taken;
  Origin sending(switching_to([&](RawSocket& connection) { taken.set_value(taken_by(connection)); }));
  const auto impatient = [](PathSettings& settings) { settings.send_timeout = 500ms; };
  serve(sending, impatient);
  client.send(upgrade);
  EXPECT_LT(taken.get_future().get(), much / 2);

  std::promise<void> over;
  Origin silent(switching_to([wait = over.get_future().share()](RawSocket&) { wait.wait(); }));
  proxy.route("a.test", "/", {silent.port()}, [&](TestProxy::Routed& routed) { impatient(routed.route.settings); });
  proxy.publish();
  client = proxy.connect();
  switch_protocols();
  EXPECT_LT(taken_by(client), much / 2);
  over.set_value();
}

TEST_F(TunnelTest, AllBytesPassBothWaysThroughSmallBuffers) {
  constexpr std::size_t size = 8 * 1024 * 1024;
  proxy.options.limits.max_tunnel_buffer_bytes = 1024;
  Origin origin(switching_to(echo));
  serve(origin);
  switch_protocols();
  std::string sent;
  for (std::size_t i = 0; i < size; ++i) sent.push_back(static_cast<char>(i % 251));
  std::thread sender([&] {
    client.send(sent);
    client.finish();
  });
  const std::string received = client.read_to_end();
  sender.join();
  EXPECT_TRUE(received == sent) << received.size() << " bytes";
}

}  // namespace
}  // namespace fairlead

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <future>

#include "tests/support/test_proxy.hpp"

// Bodies that move both ways at once, answers that come early, and peers that do not take what they are sent.
namespace fairlead {
namespace {

using namespace test;
using namespace std::chrono_literals;

constexpr std::size_t piece_size = 64 * 1024;
constexpr std::size_t pieces = 1024;  // 64 MB: far more than all socket buffers on the way hold
constexpr std::size_t half_of_it = pieces * piece_size / 2;
const std::string get = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

// Sends until the socket takes no more, or all is sent; counts what it took.
std::size_t send_pieces(RawSocket& socket) {
  const std::string piece(piece_size, 'x');
  std::size_t taken = 0;
  for (std::size_t i = 0; i < pieces && socket.send(piece); ++i) taken += piece.size();
  return taken;
}

std::string post(std::size_t length) {
  return "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

class Http1StreamingTest : public testing::Test {
 protected:
  void serve(
      const Origin& origin, const std::function<void(PathSettings&)>& change = [](PathSettings&) {}) {
    proxy.route("a.test", "/", {origin.port()}, [&](TestProxy::Routed& routed) {
      routed.route.settings.max_body_bytes = 0;
      change(routed.route.settings);
    });
    proxy.start();
    client = proxy.connect();
  }

  TestProxy proxy;
  RawSocket client;
};

TEST_F(Http1StreamingTest, BothBodiesMoveAtOnce) {
  Origin origin([](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (;;) {
      const std::string size = connection.read_until("\r\n");
      if (size == "0\r\n" || size.empty()) break;
      connection.send(chunk("echo " + connection.read_exactly(std::stoul(size, nullptr, 16))));
      connection.read_exactly(2);
    }
    connection.read_until("\r\n");
    connection.send("0\r\n\r\n");
  });
  serve(origin);
  client.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200")) << head;
  EXPECT_EQ(head.find("Connection: close"), std::string::npos) << "the request may still become complete";
  for (int i = 0; i < 50; ++i) {
    const std::string word = "word" + std::to_string(i);
    client.send(chunk(word));
    ASSERT_EQ(client.read_until("\r\n").size(), 3u);
    ASSERT_EQ(client.read_until("\r\n"), "echo " + word + "\r\n");
  }
  client.send("0\r\n\r\n");
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "0\r\n\r\n");
  EXPECT_EQ(ask(client, "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n").status, 200) << "the connection goes on";
}

TEST_F(Http1StreamingTest, AnEarlyRefusalReachesAClientThatGoesOnSending) {
  for (const std::string connection_line : {"", "Connection: close\r\n"}) {
    Origin origin([&](RawSocket& connection) {
      connection.read_until("\r\n\r\n");
      connection.send("HTTP/1.1 413 Content Too Large\r\n" + connection_line + "Content-Length: 3\r\n\r\nbig");
    });
    TestProxy fresh;
    fresh.route("a.test", "/", {origin.port()});
    fresh.start();
    client = fresh.connect();
    client.send(post(1'000'000) + std::string(1'000, 'x'));
    const RawResponse response = read_response(client);
    EXPECT_EQ(response.status, 413);
    EXPECT_EQ(response.body, "big");
    EXPECT_EQ(response.field("Connection"), "close");
    EXPECT_TRUE(client.send(std::string(900'000, 'x'))) << "it is read and forgotten for a while";
    client.finish();
    EXPECT_TRUE(client.at_end());
    EXPECT_FALSE(client.was_reset());
  }
}

TEST_F(Http1StreamingTest, AnEarlyAnswerEndsBothConnections) {
  Origin origin([](RawSocket& connection) {
    while (connection.read_until("\r\n\r\n").ends_with("\r\n\r\n")) connection.send(ok("early"));
  });
  serve(origin);
  EXPECT_EQ(ask(client, post(100) + "some of it").body, "early");
  client.send(get);  // part of the body
  EXPECT_TRUE(client.ends_here());
  EXPECT_EQ(proxy.get("a.test").body, "early");
  EXPECT_EQ(origin.connections(), 2) << "half a request stands on the first";
}

TEST_F(Http1StreamingTest, AnOriginThatClosesWhileItIsSentToIsStillHeard) {
  Origin origin([](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    connection.finish();
    connection.read_exactly(10'000);
    connection.reset();
  });
  serve(origin);
  std::thread sender([&] {
    client.send(post(pieces * piece_size));
    send_pieces(client);
  });
  const RawResponse response = read_response(client);
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.body, "no");
  sender.join();
}

TEST_F(Http1StreamingTest, LingeringEndsAfterItsTime) {
  Origin origin([](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    connection.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  });
  proxy.options.limits.lingering_close = 300ms;
  serve(origin);
  EXPECT_EQ(ask(client, post(1'000)).status, 400);
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.counter(&WorkerCounters::requests) == 1; }));
  EXPECT_TRUE(TestProxy::eventually([&] { return !client.send("x"); })) << "closed although we never ended our side";
}

// The proxy gives up after its send timeout; what the origin could send until then was all that is ever held.
TEST_F(Http1StreamingTest, AClientThatDoesNotReadStopsTheOrigin) {
  std::atomic<std::size_t> taken = 0;
  std::atomic<bool> over = false;
  Origin origin([&](RawSocket& connection) {
    read_request(connection);
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(pieces * piece_size) + "\r\n\r\n");
    taken = send_pieces(connection);
    over = true;
  });
  proxy.options.limits.client_send_timeout = 500ms;
  serve(origin);
  client.send(get);
  ASSERT_TRUE(TestProxy::eventually([&] { return over.load(); }));
  EXPECT_GT(taken, piece_size);
  EXPECT_LT(taken, half_of_it);
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits("client_send_timeout") == 1; }));
  EXPECT_FALSE(read_response(client).complete);
}

TEST_F(Http1StreamingTest, AnHttp10ClientThatDoesNotReadIsNotToldThatAllIsThere) {
  std::atomic<bool> over = false;
  Origin origin([&](RawSocket& connection) {
    read_request(connection);
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (connection.send(chunk(std::string(piece_size, 'x')))) {
    }
    over = true;
  });
  proxy.options.limits.client_send_timeout = 500ms;
  serve(origin);
  client.send("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n");
  ASSERT_TRUE(TestProxy::eventually([&] { return over.load(); }));
  client.read_to_end();
  EXPECT_TRUE(client.was_reset());
}

TEST_F(Http1StreamingTest, AClientThatReadsLateGetsEveryByte) {
  constexpr std::size_t count = pieces / 4;
  std::atomic<std::size_t> taken = 0;
  Origin origin([&](RawSocket& connection) {
    read_request(connection);
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (std::size_t i = 0; i < count; ++i, ++taken) {
      if (!connection.send(chunk(std::string(piece_size, static_cast<char>('a' + i % 26))))) return;
    }
    connection.send("0\r\n\r\n");
  });
  serve(origin);
  client.send(get);
  ASSERT_TRUE(TestProxy::eventually([&] { return taken > 8; }));
  const RawResponse response = read_response(client);
  std::string expected;
  for (std::size_t i = 0; i < count; ++i) expected.append(piece_size, static_cast<char>('a' + i % 26));
  EXPECT_TRUE(response.complete);
  EXPECT_TRUE(response.body == expected) << response.body.size() << " bytes";
}

TEST_F(Http1StreamingTest, AnOriginThatDoesNotReadStopsTheClient) {
  std::promise<void> over;
  Origin origin([wait = over.get_future().share()](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    wait.wait();
  });
  serve(origin, [](PathSettings& settings) { settings.send_timeout = 500ms; });
  client.send(post(pieces * piece_size));
  std::size_t taken = 0;
  std::thread sender([&] { taken = send_pieces(client); });
  const RawResponse response = read_response(client);
  EXPECT_EQ(response.status, 504);
  sender.join();
  EXPECT_GT(taken, piece_size);
  EXPECT_LT(taken, half_of_it);
  over.set_value();
}

// A client that goes on asking while its first request is being served.
TEST_F(Http1StreamingTest, WhatIsReadAheadIsBounded) {
  proxy.options.limits.max_pipelined_bytes = 1024;
  std::promise<void> over;
  Origin origin([wait = over.get_future().share()](RawSocket& connection) {
    read_request(connection);
    wait.wait();
    connection.send(ok("first"));
    Origin::saying("another")(connection);
  });
  serve(origin);
  const timeval brief{1, 0};
  ::setsockopt(client.fd(), SOL_SOCKET, SO_SNDTIMEO, &brief, sizeof brief);
  std::string many;
  while (many.size() < piece_size) many += get;
  std::size_t taken = 0;
  while (taken < pieces * piece_size && client.send(many)) taken += many.size();
  EXPECT_LT(taken, half_of_it);
  over.set_value();
  EXPECT_EQ(read_response(client).body, "first");
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(read_response(client).body, "another");
}

TEST_F(Http1StreamingTest, AClientThatLeavesCancelsItsRequest) {
  std::promise<bool> asked;
  std::promise<bool> ended;
  Origin origin([&](RawSocket& connection) {
    asked.set_value(read_request(connection).complete);
    ended.set_value(connection.ends_here());
  });
  serve(origin);
  client.send(get);
  ASSERT_TRUE(asked.get_future().get());
  client.close();
  EXPECT_TRUE(ended.get_future().get());
}

TEST_F(Http1StreamingTest, AnOriginThatReadsLateGetsEveryByte) {
  std::atomic<std::size_t> received = 0;
  Origin origin([&](RawSocket& connection) {
    const RawRequest request = read_request(connection);
    received = request.body.size();
    connection.send(ok("done"));
  });
  serve(origin);
  client.send(post(pieces * piece_size));
  EXPECT_EQ(send_pieces(client), pieces * piece_size);
  EXPECT_EQ(read_response(client).body, "done");
  EXPECT_EQ(received, pieces * piece_size);
}

// Each piece comes within the timeout, the whole does not: the origin is not silent while it takes the request.
TEST_F(Http1StreamingTest, ASlowUploadIsNotASilentOrigin) {
  Origin origin([](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    connection.read_until("0\r\n\r\n");
    connection.send(chunk("done") + "0\r\n\r\n");
  });
  serve(origin, [](PathSettings& settings) { settings.read_timeout = 1s; });
  client.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n");
  const auto end = std::chrono::steady_clock::now() + 2200ms;
  while (std::chrono::steady_clock::now() < end) {
    ASSERT_TRUE(client.send(chunk("x")));
    std::this_thread::yield();
  }
  client.send("0\r\n\r\n");
  const RawResponse response = read_response(client);
  EXPECT_TRUE(response.complete);
  EXPECT_EQ(response.body, "done");
}

TEST_F(Http1StreamingTest, AClientThatLeavesMidwayIsNoCompleteRequest) {
  for (const bool chunked : {false, true}) {
    std::atomic<bool> ended = false;
    Origin origin([&](RawSocket& connection) {
      EXPECT_FALSE(read_request(connection).complete);
      ended = connection.at_end();
    });
    TestProxy fresh;
    fresh.route("a.test", "/", {origin.port()});
    fresh.start();
    client = fresh.connect();
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\n" +
                (chunked ? "Transfer-Encoding: chunked\r\n\r\n" + chunk("half") : "Content-Length: 8\r\n\r\nhalf"));
    ASSERT_TRUE(TestProxy::eventually([&] { return origin.connections() == 1; }));
    client.close();
    EXPECT_TRUE(TestProxy::eventually([&] { return ended.load(); }));
  }
}

}  // namespace
}  // namespace fairlead

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "tests/support/gate.hpp"
#include "tests/support/test_proxy.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using namespace test;

enum class Ending { close, reset, silence };

// A response whose body stops before its end.
struct Cut {
  const char* name;
  const char* response;
  Ending ending;
};

constexpr Cut cuts[] = {
    {"counted_then_closed", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", Ending::close},
    {"counted_then_reset", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", Ending::reset},
    {"counted_then_silent", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", Ending::silence},
    {"counted_without_a_byte", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", Ending::close},
    {"chunked_then_closed", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", Ending::close},
    {"chunked_then_closed_in_a_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
     Ending::close},
    {"chunked_then_closed_in_trailers",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n", Ending::close},
    {"chunked_then_reset", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", Ending::reset},
    {"chunked_then_silent", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", Ending::silence},
    {"chunked_then_garbage", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
     Ending::close},
    {"until_close_then_reset", "HTTP/1.1 200 OK\r\n\r\nhello", Ending::reset},
    {"until_close_then_silent", "HTTP/1.1 200 OK\r\n\r\nhello", Ending::silence},
};

class BrokenBody : public testing::TestWithParam<Cut> {
 protected:
  BrokenBody() {
    proxy.route("a.test", "/", {origin.port()},
                [](TestProxy::Routed& routed) { routed.route.settings.read_timeout = 200ms; });
    proxy.start();
  }

  TestProxy proxy;
  Gate read;  // the client has what was sent: a reset cannot overtake it
  Origin origin{[this](RawSocket& connection) {
    if (!read_request(connection).complete) return;
    connection.send(GetParam().response);
    if (GetParam().ending == Ending::reset) {
      read.wait();
      connection.reset();
    } else if (GetParam().ending == Ending::silence) {
      connection.at_end();
    }
  }};
};

TEST_P(BrokenBody, LooksBrokenToTheClient) {
  RawSocket client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 ")) << head;
  read.open();
  const std::string body = client.read_to_end();
  const bool chunked = head.find("chunked") != std::string::npos;
  EXPECT_TRUE(chunked || head.find("Content-Length: 10") != std::string::npos) << head;
  EXPECT_EQ(body.find(chunked ? "0\r\n\r\n" : "hellohello"), std::string::npos) << body;
  EXPECT_TRUE(client.at_end());
  EXPECT_EQ(origin.connections(), 1) << "what has begun is not repeated";
}

TEST_P(BrokenBody, LooksBrokenToAClientOfHttp10) {
  RawSocket client = proxy.connect();
  client.send("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n");
  const std::string head = client.read_until("\r\n\r\n");
  read.open();
  const std::string body = client.read_to_end();
  const bool counted = head.find("Content-Length: 10") != std::string::npos;
  EXPECT_TRUE(counted ? body.size() < 10 : client.was_reset()) << head << body;
}

INSTANTIATE_TEST_SUITE_P(Each, BrokenBody, testing::ValuesIn(cuts), [](const auto& cut) { return cut.param.name; });

class ClientFaults : public testing::Test {
 protected:
  void serve(std::uint16_t port) {
    proxy.route("a.test", "/", {port}, [](TestProxy::Routed& routed) { routed.route.settings.max_body_bytes = 0; });
    proxy.start();
  }

  TestProxy proxy;
  std::atomic<int> ended{0};  // connections of the origin that the proxy has closed
};

TEST_F(ClientFaults, AResponseThatEndsWithItsConnectionIsWhole) {
  Origin origin([](RawSocket& connection) {
    if (read_request(connection).complete) connection.send("HTTP/1.1 200 OK\r\n\r\nhello");
  });
  serve(origin.port());
  const RawResponse response = proxy.get("a.test");
  EXPECT_TRUE(response.complete);
  EXPECT_EQ(response.body, "hello");
}

TEST_F(ClientFaults, AClientThatLeavesWhileItWaitsEndsTheUpstreamConnection) {
  Gate asked;
  std::atomic<bool> first{true};
  Origin origin([&](RawSocket& connection) {
    while (read_request(connection).complete) {
      if (first.exchange(false)) {
        asked.open();
        if (connection.at_end()) ++ended;
        return;
      }
      connection.send(ok("hello"));
    }
  });
  serve(origin.port());
  RawSocket client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  ASSERT_TRUE(asked.wait());
  client.close();
  EXPECT_TRUE(TestProxy::eventually([&] { return ended == 1; }));
  EXPECT_EQ(proxy.get("a.test").body, "hello");
  EXPECT_EQ(origin.connections(), 2);
}

// Its body is kept for a second try, so there are unread bytes when it leaves.
TEST_F(ClientFaults, AClientThatBreaksOffWhileItsPutIsServedEndsTheUpstreamConnection) {
  Gate asked;
  Origin origin([&](RawSocket& connection) {
    if (!read_request(connection).complete) return;
    asked.open();
    if (connection.at_end()) ++ended;
  });
  serve(origin.port());
  RawSocket client = proxy.connect();
  client.send("PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc");
  ASSERT_TRUE(asked.wait());
  client.reset();
  EXPECT_TRUE(TestProxy::eventually([&] { return ended == 1; }));
}

TEST_F(ClientFaults, AClientThatLeavesWhileItsPutIsServedEndsTheUpstreamConnection) {
  Gate asked;
  Origin origin([&](RawSocket& connection) {
    if (!read_request(connection).complete) return;
    asked.open();
    if (connection.at_end()) ++ended;
  });
  serve(origin.port());
  RawSocket client = proxy.connect();
  client.send("PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc");
  ASSERT_TRUE(asked.wait());
  client.close();
  EXPECT_TRUE(TestProxy::eventually([&] { return ended == 1; }));
}

TEST_F(ClientFaults, AClientThatBreaksOffWhileItsUploadIsNotTakenEndsTheUpstreamConnection) {
  Gate gone;
  Origin origin([&](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    gone.wait();
    if (connection.at_end()) ++ended;
  });
  serve(origin.port());
  RawSocket client = proxy.connect();
  const std::string piece(1 << 20, 'x');
  client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000000\r\n\r\n");
  std::thread sender([&] {
    while (client.send(piece)) {
    }
  });
  ASSERT_TRUE(TestProxy::eventually([&] { return origin.connections() == 1; }));
  const linger hard{1, 0};
  ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  ::shutdown(client.fd(), SHUT_RDWR);
  sender.join();
  client.close();
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 0; }));
  gone.open();
  EXPECT_TRUE(TestProxy::eventually([&] { return ended == 1; }));
}

TEST_F(ClientFaults, AClientThatLeavesInItsRequestBodyEndsTheUpstreamConnection) {
  Gate begun;
  std::atomic<bool> whole{true};
  Origin origin([&](RawSocket& connection) {
    connection.read_until("hello");
    begun.open();
    whole = connection.read_exactly(5).size() == 5;
    if (connection.at_end()) ++ended;
  });
  serve(origin.port());
  RawSocket client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nhello");
  ASSERT_TRUE(begun.wait());
  client.close();
  EXPECT_TRUE(TestProxy::eventually([&] { return ended == 1; }));
  EXPECT_FALSE(whole);
}

TEST_F(ClientFaults, AClientThatLeavesInAResponseEndsTheUpstreamConnection) {
  Origin origin([&](RawSocket& connection) {
    if (!read_request(connection).complete) return;
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    const std::string piece(1 << 16, 'x');
    while (connection.send(piece)) {
    }
    ++ended;
  });
  serve(origin.port());
  RawSocket client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  EXPECT_EQ(client.read_exactly(1 << 20).size(), 1u << 20);
  client.close();
  EXPECT_TRUE(TestProxy::eventually([&] { return ended == 1; }));
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 0; }));
}

TEST_F(ClientFaults, ASlowReaderGetsEveryByteInOrder) {
  std::string expected;
  for (int i = 0; i < 2'000'000; ++i) expected += std::to_string(i) + ' ';
  Origin origin(Origin::answering([&](const RawRequest&) { return ok(expected); }));
  serve(origin.port());
  RawSocket client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  client.read_until("\r\n\r\n");
  std::string body;
  while (body.size() < expected.size()) {
    const std::string piece = client.read_some(100'000);
    if (piece.empty()) break;
    body += piece;
  }
  EXPECT_TRUE(body == expected);
}

}  // namespace
}  // namespace fairlead

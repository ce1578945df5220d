#include <gtest/gtest.h>

#include <array>

#include "tests/support/gate.hpp"
#include "tests/support/test_proxy.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using namespace test;

// Answers with the number of the connection, beginning with 1. A request for /1 or /2 waits for its gate first.
class NumberedOrigin {
 public:
  std::uint16_t port() const { return origin_.port(); }
  int connections() const { return origin_.connections(); }
  bool asked(int gate) const { return asked_[gate - 1]; }
  void let(int gate) { gates_[gate - 1].open(); }
  int ended() const { return ended_; }

 private:
  void serve(RawSocket& connection) {
    const std::string number = std::to_string(++number_);
    for (;;) {
      const RawRequest request = read_request(connection);
      if (!request.complete) break;
      const int gate = request.line().starts_with("GET /1 ") ? 1 : request.line().starts_with("GET /2 ") ? 2 : 0;
      if (gate > 0) {
        asked_[gate - 1] = true;
        gates_[gate - 1].wait();
      }
      if (!connection.send(ok(number))) break;
    }
    ++ended_;
  }

  std::array<Gate, 2> gates_;
  std::array<std::atomic<bool>, 2> asked_{};
  std::atomic<int> number_{0}, ended_{0};
  Origin origin_{[this](RawSocket& connection) { serve(connection); }};
};

class UpstreamPoolTest : public testing::Test {
 protected:
  void serve() {
    proxy.route("a.test", "/", {origin.port()});
    proxy.start();
  }
  // Has connections 1 and 2 opened, and given back in this order.
  void open_two() {
    RawSocket one = proxy.connect(), two = proxy.connect();
    one.send("GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\n");
    ASSERT_TRUE(TestProxy::eventually([&] { return origin.asked(1); }));
    two.send("GET /2 HTTP/1.1\r\nHost: a.test\r\n\r\n");
    ASSERT_TRUE(TestProxy::eventually([&] { return origin.asked(2); }));
    origin.let(1);
    ASSERT_EQ(read_response(one).body, "1");
    origin.let(2);
    ASSERT_EQ(read_response(two).body, "2");
  }

  TestProxy proxy;
  NumberedOrigin origin;
};

TEST_F(UpstreamPoolTest, TheConnectionUsedLastIsTakenFirst) {
  serve();
  open_two();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(proxy.get("a.test").body, "2");
  EXPECT_EQ(origin.connections(), 2);
}

TEST_F(UpstreamPoolTest, NoMoreThanTheirMaximumStayIdle) {
  proxy.options.limits.max_idle_upstream_connections = 1;
  serve();
  open_two();
  EXPECT_TRUE(TestProxy::eventually([&] { return origin.ended() == 1; }));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(proxy.get("a.test").body, "1");
  EXPECT_EQ(proxy.limit_hits("max_idle_upstream_connections"), 1u);
}

TEST_F(UpstreamPoolTest, AsManyAsTheirMaximumStayIdle) {
  proxy.options.limits.max_idle_upstream_connections = 2;
  serve();
  open_two();
  EXPECT_EQ(proxy.get("a.test").body, "2");
  EXPECT_EQ(origin.ended(), 0);
  EXPECT_EQ(proxy.limit_hits("max_idle_upstream_connections"), 0u);
}

TEST_F(UpstreamPoolTest, WithoutIdleConnectionsEveryRequestHasItsOwn) {
  proxy.options.limits.max_idle_upstream_connections = 0;
  serve();
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(proxy.get("a.test").body, std::to_string(i));
  EXPECT_TRUE(TestProxy::eventually([&] { return origin.ended() == 3; }));
}

TEST_F(UpstreamPoolTest, AnIdleConnectionIsClosedAfterItsTime) {
  proxy.options.limits.upstream_idle_timeout = 200ms;
  serve();
  EXPECT_EQ(proxy.get("a.test").body, "1");
  EXPECT_EQ(proxy.get("a.test").body, "1");
  EXPECT_TRUE(TestProxy::eventually([&] { return origin.ended() == 1; }));
  EXPECT_EQ(proxy.get("a.test").body, "2");
  EXPECT_EQ(proxy.limit_hits("upstream_idle_timeout"), 1u);
}

TEST_F(UpstreamPoolTest, AConnectionServesItsShareOfRequests) {
  proxy.options.limits.max_upstream_requests = 3;
  serve();
  for (const char* number : {"1", "1", "1", "2", "2", "2", "3"}) EXPECT_EQ(proxy.get("a.test").body, number);
  EXPECT_EQ(proxy.limit_hits("max_upstream_requests"), 2u);
}

TEST_F(UpstreamPoolTest, EndpointsDoNotShareConnections) {
  NumberedOrigin other;
  proxy.route("b.test", "/", {other.port()});
  serve();
  EXPECT_EQ(proxy.get("a.test").body, "1");
  EXPECT_EQ(proxy.get("b.test").body, "1");
  EXPECT_EQ(origin.connections(), 1);
  EXPECT_EQ(other.connections(), 1);
}

TEST(UpstreamPoolWith, AServerThatAnswersTwiceIsNotHeardASecondTime) {
  std::atomic<int> served{0};
  Origin origin([&](RawSocket& connection) {
    if (!read_request(connection).complete) return;
    const std::string number = std::to_string(++served);
    connection.send(ok(number) + ok("forged"));
    connection.at_end();
  });
  TestProxy proxy;
  proxy.route("a.test", "/", {origin.port()});
  proxy.start();
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(proxy.get("a.test").body, std::to_string(i));
  EXPECT_EQ(origin.connections(), 5);
}

TEST(UpstreamPoolWith, AServerThatSpeaksOutOfTurnIsNotHeard) {
  std::atomic<int> served{0};
  std::atomic<int> ended{0};
  Gate answered;
  Origin origin([&](RawSocket& connection) {
    if (!read_request(connection).complete) return;
    connection.send(ok(std::to_string(++served)));
    answered.wait();
    connection.send(ok("forged"));
    connection.at_end();
    ++ended;
  });
  TestProxy proxy;
  proxy.route("a.test", "/", {origin.port()});
  proxy.start();
  EXPECT_EQ(proxy.get("a.test").body, "1");
  answered.open();
  EXPECT_TRUE(TestProxy::eventually([&] { return ended == 1; }));
  EXPECT_EQ(proxy.get("a.test").body, "2");
}

TEST(UpstreamPoolWith, AServerThatWantsToCloseIsNotAskedAgain) {
  Origin origin(Origin::answering([](const RawRequest&) { return ok("hello", "Connection: close\r\n"); }));
  TestProxy proxy;
  proxy.route("a.test", "/", {origin.port()});
  proxy.start();
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(proxy.get("a.test").body, "hello");
  EXPECT_EQ(origin.connections(), 3);
}

}  // namespace
}  // namespace fairlead

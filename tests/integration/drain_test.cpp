#include <gtest/gtest.h>

#include "proxy/shutdown.hpp"
#include "tests/support/busy_worker.hpp"
#include "tests/support/gate.hpp"
#include "tests/support/http2_client.hpp"
#include "tests/support/test_proxy.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using namespace test;
using std::chrono::milliseconds;

const std::string request = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

// Stops the proxy on a thread of its own. The time that passes is the test's: each wait is noted, and ends when the
// test lets it.
class Stopping {
 public:
  explicit Stopping(TestProxy& proxy)
      : proxy_(proxy), thread_([this] {
          stop_gently(proxy_.options, *proxy_.workers, proxy_.log, [this](milliseconds time) { return wait(time); });
          done_ = true;
        }) {}
  ~Stopping() {
    cut_short_ = true;
    go_on();
    thread_.join();
  }

  // Whether it now waits for this long.
  bool waits_for(milliseconds time) {
    return TestProxy::eventually([&] { return waiting_ == time.count(); });
  }
  void go_on() { steps_ = 1; }              // ends this wait
  void go_on_to_the_end() { steps_ = -1; }  // and all later ones
  bool done() {
    return TestProxy::eventually([&] { return done_.load(); });
  }
  void cut_short() {
    cut_short_ = true;
    go_on();
  }

 private:
  bool wait(milliseconds time) {
    waiting_ = time.count();
    while (steps_ == 0 && !cut_short_) std::this_thread::yield();
    if (steps_ > 0) steps_ = 0;
    waiting_ = -1;
    return cut_short_;
  }

  TestProxy& proxy_;
  std::atomic<milliseconds::rep> waiting_{-1};
  std::atomic<int> steps_{0};
  std::atomic<bool> cut_short_{false}, done_{false};
  std::thread thread_;
};

class Drain : public testing::Test {
 protected:
  Drain() {
    proxy.options.shutdown_grace_period = 1'000s;
    proxy.options.drain_timeout = 2'000s;
    proxy.options.post_shutdown_grace_period = 3'000s;
    proxy.route("a.test", "/", {origin.port()});
    proxy.route("slow.test", "/", {slow.port()});
    proxy.start();
  }
  ~Drain() override { answer.open(); }
  RawResponse get(RawSocket& client) {
    client.send(request);
    return read_response(client);
  }
  bool refuses() {
    return TestProxy::eventually([&] { return !proxy.connect().open(); });
  }

  Gate answer;
  Origin origin{Origin::saying("hello")};
  Origin slow{Origin::answering([this](const RawRequest&) {
    answer.wait();
    return ok("done");
  })};
  TestProxy proxy;
};

TEST_F(Drain, FirstItIsUnreadyAndServesOn) {
  RawSocket client = proxy.connect();
  EXPECT_TRUE(proxy.workers->ready().ready());
  Stopping stopping(proxy);
  ASSERT_TRUE(stopping.waits_for(1'000s));
  EXPECT_FALSE(proxy.workers->ready().ready());
  EXPECT_EQ(get(client).body, "hello");
  EXPECT_EQ(proxy.get("a.test").body, "hello") << "new connections are accepted still";
}

// A client that asks now and then would else meet a closed connection when the listeners are gone.
TEST_F(Drain, MeanwhileResponsesCloseTheirConnectionsAndIdleOnesStay) {
  proxy.options.limits.lingering_close = 1ms;
  RawSocket asking = proxy.connect(), idle = proxy.connect();
  EXPECT_FALSE(get(asking).has("Connection"));
  EXPECT_FALSE(get(idle).has("Connection"));
  Stopping stopping(proxy);
  ASSERT_TRUE(stopping.waits_for(1'000s));
  EXPECT_EQ(get(asking).field("Connection"), "close");
  EXPECT_TRUE(asking.at_end());
  EXPECT_EQ(get(idle).body, "hello") << "it was not closed before it asked";
}

TEST_F(Drain, AResponseThatBeginsMeanwhileClosesItsConnection) {
  RawSocket client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: slow.test\r\n\r\n");
  ASSERT_TRUE(TestProxy::eventually([&] { return slow.connections() == 1; }));
  Stopping stopping(proxy);
  ASSERT_TRUE(stopping.waits_for(1'000s));
  answer.open();
  const RawResponse response = read_response(client);
  EXPECT_EQ(response.body, "done");
  EXPECT_EQ(response.field("Connection"), "close");
  EXPECT_TRUE(client.at_end());
}

TEST_F(Drain, ThenNothingIsAcceptedAndResponsesCloseTheirConnections) {
  proxy.options.limits.lingering_close = 100s;
  RawSocket client = proxy.connect();
  EXPECT_FALSE(get(client).has("Connection"));
  Stopping stopping(proxy);
  ASSERT_TRUE(stopping.waits_for(1'000s));
  stopping.go_on();
  ASSERT_TRUE(stopping.waits_for(50ms));
  EXPECT_TRUE(refuses());
  // A request that was on its way already is answered, and is the last.
  const RawResponse response = get(client);
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(response.field("Connection"), "close");
  EXPECT_TRUE(client.at_end());
}

TEST_F(Drain, WhatIsUnderWayIsFinished) {
  RawSocket client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: slow.test\r\n\r\n");
  ASSERT_TRUE(TestProxy::eventually([&] { return slow.connections() == 1; }));
  Stopping stopping(proxy);
  ASSERT_TRUE(stopping.waits_for(1'000s));
  stopping.go_on();
  ASSERT_TRUE(stopping.waits_for(50ms));
  EXPECT_TRUE(refuses());
  answer.open();
  const RawResponse response = read_response(client);
  EXPECT_EQ(response.body, "done");
  EXPECT_EQ(response.field("Connection"), "close");
  EXPECT_TRUE(client.at_end());
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 0; }));
  stopping.go_on();
  EXPECT_TRUE(stopping.waits_for(3'000s)) << "the drain's time is not waited for when nobody is left";
  stopping.go_on();
  EXPECT_TRUE(stopping.done());
  EXPECT_EQ(proxy.log.text().find("cut off"), std::string::npos);
}

TEST_F(Drain, IdleConnectionsAreClosed) {
  proxy.options.limits.lingering_close = 200ms;
  RawSocket used = proxy.connect(), unused = proxy.connect();
  EXPECT_EQ(get(used).body, "hello");
  ASSERT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 2; }));
  Stopping stopping(proxy);
  ASSERT_TRUE(stopping.waits_for(1'000s));
  stopping.go_on();
  EXPECT_EQ(used.read_to_end(), "");
  EXPECT_EQ(unused.read_to_end(), "");
  EXPECT_FALSE(used.was_reset());
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 0; }));
  EXPECT_EQ(proxy.limit_hits("idle_timeout"), 0u);
}

TEST_F(Drain, TheDeadlineEndsTheRest) {
  proxy.options.drain_timeout = 100ms;  // two looks
  RawSocket client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: slow.test\r\n\r\n");
  ASSERT_TRUE(TestProxy::eventually([&] { return slow.connections() == 1; }));
  Stopping stopping(proxy);
  ASSERT_TRUE(stopping.waits_for(1'000s));
  stopping.go_on();
  ASSERT_TRUE(stopping.waits_for(50ms));
  EXPECT_TRUE(refuses());
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 1; }));
  stopping.go_on_to_the_end();
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_TRUE(stopping.done());
  EXPECT_NE(proxy.log.text().find("1 connections are cut off"), std::string::npos);
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 0; }));
}

TEST_F(Drain, IsCutShortByASecondSignal) {
  RawSocket client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: slow.test\r\n\r\n");
  ASSERT_TRUE(TestProxy::eventually([&] { return slow.connections() == 1; }));
  Stopping stopping(proxy);
  ASSERT_TRUE(stopping.waits_for(1'000s));
  stopping.cut_short();
  EXPECT_TRUE(stopping.done());
  proxy.workers.reset();  // as the program ends
  EXPECT_EQ(client.read_to_end(), "");
}

// Those in the listener's queue when it closes would be reset by the kernel.
TEST_F(Drain, WhoHasConnectedBeforeIsServed) {
  Stopping stopping(proxy);
  ASSERT_TRUE(stopping.waits_for(1'000s));
  std::vector<RawSocket> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(proxy.connect());
    clients.back().send(request);
  }
  stopping.go_on();
  for (RawSocket& client : clients) EXPECT_EQ(read_response(client).body, "hello");
}

TEST_F(Drain, WhoHasConnectedToABusyWorkerIsWaitedFor) {
  Stopping stopping(proxy);
  ASSERT_TRUE(stopping.waits_for(1'000s));
  BusyWorker busy(proxy);
  RawSocket client = proxy.connect();
  client.send(request);
  EXPECT_EQ(proxy.workers->connections(), 0u) << "nothing is accepted yet";
  stopping.go_on();
  ASSERT_TRUE(stopping.waits_for(50ms));
  busy.go_on();
  EXPECT_EQ(read_response(client).body, "hello");
}

// First it is announced that the connection ends, with no stream refused; then, once the client has heard of it, which
// stream is the last.
TEST_F(Drain, Http2ConnectionsAreEndedInTwoSteps) {
  RawSocket socket = proxy.connect();
  Http2Client client(socket);
  client.answers_pings = false;
  const std::int32_t under_way = client.get("slow.test");
  ASSERT_TRUE(TestProxy::eventually([&] { return slow.connections() == 1; }));
  Stopping stopping(proxy);
  ASSERT_TRUE(stopping.waits_for(1'000s));
  EXPECT_EQ(client.response(client.get("a.test")).body, "hello");
  ASSERT_TRUE(client.until([&] { return client.got_goaway; })) << "it is told as soon as it is heard from";
  EXPECT_EQ(client.goaway_streams.back(), 0x7fffffff);
  // A request that was sent before the client heard of it.
  const std::int32_t late = client.get("a.test");
  EXPECT_EQ(client.response(late).body, "hello");
  ASSERT_TRUE(client.until([&] { return client.goaway_streams.size() == 2; }));
  EXPECT_EQ(client.goaway_streams.back(), late);
  stopping.go_on();
  answer.open();
  EXPECT_EQ(client.response(under_way).body, "done");
  client.read_to_end();
  EXPECT_EQ(client.goaway_error, Http2Error::no_error);
  EXPECT_FALSE(socket.was_reset());
}

TEST_F(Drain, ANewHttp2ConnectionIsServedBeforeItIsToldToGo) {
  Stopping stopping(proxy);
  ASSERT_TRUE(stopping.waits_for(1'000s));
  RawSocket socket = proxy.connect();
  Http2Client client(socket);
  ASSERT_TRUE(client.until([&] { return client.settings_acknowledged == 1; }));
  EXPECT_FALSE(client.got_goaway) << "it would only come again";
  EXPECT_EQ(client.response(client.get("a.test")).body, "hello");
  stopping.go_on();
  client.read_to_end();
  EXPECT_EQ(client.goaway_streams.size(), 2u);
}

TEST_F(Drain, IdleHttp2ConnectionsAreClosedOnceTheyKnow) {
  proxy.options.limits.lingering_close = 100s;
  RawSocket socket = proxy.connect();
  Http2Client client(socket);
  EXPECT_EQ(client.response(client.get("a.test")).body, "hello");
  Stopping stopping(proxy);
  ASSERT_TRUE(stopping.waits_for(1'000s));
  stopping.go_on();
  client.read_to_end();  // its answer to the ping is enough
  EXPECT_EQ(client.goaway_streams.size(), 2u);
  EXPECT_FALSE(socket.was_reset());
  socket.close();
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 0; }));
}

}  // namespace
}  // namespace fairlead

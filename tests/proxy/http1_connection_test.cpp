#include "proxy/http1_connection.hpp"

#include <gtest/gtest.h>

#include "proxy/connection.hpp"
#include "tests/proxy/socket_pair.hpp"
#include "tests/proxy/test_loop.hpp"
#include "tests/support/test_proxy.hpp"

namespace fairlead {
namespace {

// One client of a Worker whose loop the test turns.
class Http1ConnectionTest : public testing::Test {
 protected:
  Http1ConnectionTest() {
    auto snapshot = std::make_shared<Snapshot>();
    auto nothing = std::make_shared<Host>();
    nothing->paths.emplace_back().path = "/";
    ConfigDelta delta;
    delta.hosts[""] = nothing;
    snapshot->routes = RouteTable::empty()->with(delta);
    worker_.snapshot = SnapshotRef(std::move(snapshot));
  }

  void connect() { connections_.add(std::exchange(end_.fd, -1), {}); }
  // Deadlines that have passed are heard of before any news of sockets.
  void time_passes() {
    RunQueue due;
    loop_.readiness.timers().advance(loop_.readiness.now() + 2 * TimerWheel::tick, due);
    while (!due.empty()) {
      EventTarget& target = due.front();
      due.pop_front();
      target.run();
    }
  }
  // What comes, until something has come or the end.
  std::string receive() {
    std::string received;
    loop_.run_until([&] { return !(received = client_.receive()).empty() || client_.ended(); });
    return received;
  }

  Options options_ = [] {
    Options options;
    options.limits.idle_timeout = LoopTime(0);
    return options;
  }();
  test::KeptLog log_;
  SessionTickets tickets_;
  std::unique_ptr<ServerContext> server_tls_ = ServerContext::create({}, tickets_).value();
  std::unique_ptr<ClientContext> client_tls_ = ClientContext::create({}).value();
  SharedContext shared_{options_, log_, *server_tls_, *client_tls_};
  WorkerMetrics metrics_{RequestMetricsOptions{}};
  TestLoop loop_;
  WorkerContext worker_{shared_, loop_.readiness, metrics_, -1, 1};
  Connections connections_{worker_};
  Socket end_;
  SocketPair client_{end_};
};

TEST_F(Http1ConnectionTest, ARequestThatComesWithTheIdleTimeoutIsServed) {
  connect();
  client_.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  time_passes();
  EXPECT_TRUE(receive().starts_with("HTTP/1.1 404 "));
}

TEST_F(Http1ConnectionTest, AClientThatSaysNothingIsLeft) {
  connect();
  time_passes();
  EXPECT_EQ(receive(), "");
  EXPECT_TRUE(client_.ended());
  EXPECT_EQ(connections_.count(), 0u);
}

}  // namespace
}  // namespace fairlead

#include <gtest/gtest.h>

#include <algorithm>
#include <list>

#include "router/policies/policy.hpp"
#include "tests/support/gate.hpp"
#include "tests/support/test_proxy.hpp"

namespace fairlead {
namespace {

using namespace test;

constexpr int swaps = 1000;

// Sends requests over one kept connection until it is told to stop.
class Requester {
 public:
  Requester(const TestProxy& proxy, std::string request, std::function<bool(const RawResponse&)> good)
      : thread_([this, &proxy, request = std::move(request), good = std::move(good)] {
          RawSocket client = proxy.connect();
          while (!stopping_) {
            client.send(request);
            const RawResponse response = read_response(client);
            if (!response.complete || response.has("Connection") || !good(response)) {
              ++errors_;
              ADD_FAILURE() << "answered " << response.head << "\n\n" << response.body;
              return;
            }
            ++answered_;
          }
        }) {}
  ~Requester() { stop(); }

  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int errors() const { return errors_; }
  int answered() const { return answered_; }

 private:
  std::atomic<bool> stopping_{false};
  std::atomic<int> errors_{0}, answered_{0};
  std::thread thread_;
};

class Swap : public testing::Test {
 protected:
  Swap() {
    proxy.options.workers = 2;
    // A connection may serve as many requests as these tests make.
    proxy.options.limits.max_keepalive_requests = proxy.options.limits.max_upstream_requests = 100'000'000;
  }

  // The same routes with a new generation: each swap renames nothing and closes nothing, but no part is shared.
  void route_to(const std::string& host, std::uint16_t port, int version) {
    proxy.route(host, "/", {port}, [&](TestProxy::Routed& routed) {
      routed.route.ingress = "version-" + std::to_string(version);
      routed.route.settings.max_body_bytes = 1'000'000u + static_cast<unsigned>(version);
    });
  }
  void publish_noting() {
    proxy.publish();
    generations.push_back(proxy.publisher->snapshot());
  }
  std::size_t alive() const {
    return static_cast<std::size_t>(
        std::count_if(generations.begin(), generations.end(), [](const auto& weak) { return !weak.expired(); }));
  }

  TestProxy proxy;
  std::vector<std::weak_ptr<const Snapshot>> generations;
};

std::string get_from(const std::string& host) {
  return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

TEST_F(Swap, AThousandGenerationsDuringTrafficCostNobodyAnything) {
  Origin origin(Origin::saying("hello"));
  Origin echo([](RawSocket& connection) {
    if (!read_request(connection).complete) return;
    connection.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n");
    for (std::string bytes = connection.read_some(); !bytes.empty(); bytes = connection.read_some()) {
      connection.send(bytes);
    }
  });
  Gate swapped;
  Origin download([&](RawSocket& connection) {
    if (!read_request(connection).complete) return;
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    swapped.wait();
    connection.send("hello");
  });
  route_to("a.test", origin.port(), 0);
  route_to("b.test", origin.port(), 0);
  route_to("echo.test", echo.port(), 0);
  route_to("download.test", download.port(), 0);
  proxy.start();
  const std::weak_ptr<const Snapshot> first = proxy.publisher->snapshot();

  RawSocket tunnel = proxy.connect();
  tunnel.send("GET / HTTP/1.1\r\nHost: echo.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
  ASSERT_TRUE(tunnel.read_until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
  RawSocket slow = proxy.connect();
  slow.send(get_from("download.test"));
  ASSERT_TRUE(slow.read_until("hello").ends_with("hello"));

  const auto good = [](const RawResponse& response) { return response.status == 200 && response.body == "hello"; };
  std::list<Requester> requesters;
  for (int i = 0; i < 4; ++i) requesters.emplace_back(proxy, get_from(i % 2 == 0 ? "a.test" : "b.test"), good);
  const auto busy = [&](int more) {
    for (const Requester& requester : requesters) {
      const int before = requester.answered();
      if (!TestProxy::eventually([&] { return requester.answered() >= before + more || requester.errors() > 0; })) {
        return false;
      }
    }
    return true;
  };
  EXPECT_TRUE(busy(20));
  for (int version = 1; version <= swaps; ++version) {
    route_to("a.test", origin.port(), version);
    route_to("b.test", origin.port(), version);
    route_to("extra-" + std::to_string(version % 7) + ".test", origin.port(), version);
    publish_noting();
    if (version % 100 == 0) {
      tunnel.send("ping");
      ASSERT_EQ(tunnel.read_exactly(4), "ping");
    }
  }
  EXPECT_TRUE(busy(20));
  for (Requester& requester : requesters) requester.stop();
  for (const Requester& requester : requesters) EXPECT_EQ(requester.errors(), 0);
  EXPECT_EQ(alive(), 1u) << "all but the last are freed";
  EXPECT_FALSE(first.expired()) << "a tunnel and a download still hold theirs";

  swapped.open();
  EXPECT_EQ(slow.read_exactly(5), "hello");
  slow.send(get_from("a.test"));
  EXPECT_EQ(read_response(slow).body, "hello") << "over the same connection";
  tunnel.send("pong");
  EXPECT_EQ(tunnel.read_exactly(4), "pong");
  tunnel.close();
  slow.close();
  EXPECT_TRUE(TestProxy::eventually([&] { return first.expired(); }));
  // Each Worker keeps one connection a request at a time, whatever the generation.
  EXPECT_LE(origin.connections(), 8);
}

// Writes its version into the request on its way out, and into the response on its way back.
class Stamp final : public Policy {
 public:
  explicit Stamp(std::string version) : version_(std::move(version)) {}
  Outcome on_request(PolicyRequest& request) const override {
    request.upstream_edits.set("X-Version", version_);
    return std::nullopt;
  }
  void on_response(PolicyResponse& response) const override { response.edits.set("X-Version", version_); }
  std::string describe() const override { return "stamp " + version_; }

 private:
  const std::string version_;
};

TEST_F(Swap, ARequestSeesOneGenerationOnly) {
  // Each origin says which one it is and what it was told; it takes its time, so that swaps come in between.
  const auto origin = [](std::string name) {
    return Origin::answering([name](const RawRequest& request) {
      std::this_thread::yield();
      return ok(name + ' ' + request.field("X-Version"));
    });
  };
  Origin even(origin("even")), odd(origin("odd"));
  const auto route_version = [&](int version) {
    proxy.route("a.test", "/", {version % 2 == 0 ? even.port() : odd.port()}, [&](TestProxy::Routed& routed) {
      routed.route.policies.push_back(std::make_shared<Stamp>(std::to_string(version)));
    });
  };
  route_version(0);
  proxy.start();
  std::atomic<int> newest{0};
  const auto whole = [&](const RawResponse& response) {
    const int version = std::atoi(response.field("X-Version").c_str());
    newest = std::max(newest.load(), version);
    return response.body == (version % 2 == 0 ? "even " : "odd ") + std::to_string(version);
  };
  Requester one(proxy, get_from("a.test"), whole), other(proxy, get_from("a.test"), whole);
  for (int version = 1; version <= 300; ++version) {
    route_version(version);
    proxy.publish();
  }
  EXPECT_TRUE(TestProxy::eventually([&] { return newest == 300 || one.errors() + other.errors() > 0; }));
  EXPECT_EQ(one.errors(), 0);
  EXPECT_EQ(other.errors(), 0);
}

// What was decided at the head holds to the end: limits, timeouts and the Upstream of the generation it began with.
TEST_F(Swap, ARequestUnderWayKeepsWhatItBeganWith) {
  Gate swapped;
  Origin old(Origin::answering([&](const RawRequest& request) {
    swapped.wait();
    return ok("old " + std::to_string(request.body.size()));
  }));
  Origin fresh(Origin::saying("new"));
  proxy.route("a.test", "/", {old.port()},
              [](TestProxy::Routed& routed) { routed.route.settings.max_body_bytes = 100; });
  proxy.start();
  RawSocket client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  ASSERT_TRUE(TestProxy::eventually([&] { return old.connections() == 1; }));
  proxy.route("a.test", "/", {fresh.port()},
              [](TestProxy::Routed& routed) { routed.route.settings.max_body_bytes = 5; });
  proxy.publish();
  client.send("5\r\nhello\r\n0\r\n\r\n");
  swapped.open();
  EXPECT_EQ(read_response(client).body, "old 10");
  client.send(get_from("a.test"));
  EXPECT_EQ(read_response(client).body, "new");
}

TEST_F(Swap, PoolsAndCountsOfEndpointsThatStaySurvive) {
  proxy.options.workers = 1;
  Gate answer;
  Origin origin(Origin::answering([&](const RawRequest& request) {
    if (request.line().starts_with("GET /wait")) answer.wait();
    return ok("hello");
  }));
  route_to("a.test", origin.port(), 0);
  proxy.start();
  const auto state = [&] {
    return proxy.publisher->snapshot()->routes->upstream("default-a.test/-80")->endpoints.front();
  };
  const auto before = state();
  RawSocket waiting = proxy.connect();
  waiting.send("GET /wait HTTP/1.1\r\nHost: a.test\r\n\r\n");
  ASSERT_TRUE(TestProxy::eventually([&] { return before->in_flight == 1; }));
  EXPECT_EQ(proxy.get("a.test").body, "hello");
  for (int version = 1; version <= 10; ++version) {
    route_to("a.test", origin.port(), version);
    proxy.publish();
    EXPECT_EQ(state(), before);
    EXPECT_EQ(before->in_flight, 1u);
    EXPECT_EQ(proxy.get("a.test").body, "hello");
  }
  EXPECT_EQ(origin.connections(), 2);
  answer.open();
  EXPECT_EQ(read_response(waiting).body, "hello");
  EXPECT_TRUE(TestProxy::eventually([&] { return before->in_flight == 0; }));
}

// Counts how many of its connections the proxy has closed.
struct Watched {
  std::atomic<int> ended{0};
  Gate answer;
  Origin origin{[this](RawSocket& connection) {
    for (RawRequest request = read_request(connection); request.complete; request = read_request(connection)) {
      if (request.line().starts_with("GET /wait")) answer.wait();
      if (!connection.send(ok("hello"))) break;
    }
    ++ended;
  }};
};

TEST_F(Swap, ConnectionsToARemovedEndpointAreClosedAndItsStateIsFreed) {
  Watched removed, kept;
  proxy.route("a.test", "/", {removed.origin.port(), kept.origin.port()});
  proxy.start();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(proxy.get("a.test").body, "hello");
  const int connections = removed.origin.connections();
  ASSERT_GT(connections, 0);
  std::vector<std::weak_ptr<EndpointState>> states;
  {
    const auto snapshot = proxy.publisher->snapshot();
    for (const auto& state : snapshot->routes->upstream("default-a.test/-80")->endpoints) states.push_back(state);
  }
  proxy.route("a.test", "/", {kept.origin.port()});
  proxy.publish();
  EXPECT_TRUE(TestProxy::eventually([&] { return removed.ended == connections; }));
  EXPECT_EQ(kept.ended, 0);
  EXPECT_TRUE(TestProxy::eventually([&] { return states[0].expired() != states[1].expired(); }));
  EXPECT_EQ(proxy.get("a.test").body, "hello");
}

TEST_F(Swap, ConnectionsToARemovedUpstreamAreClosedAsWell) {
  Watched removed;
  proxy.route("a.test", "/", {removed.origin.port()});
  proxy.start();
  EXPECT_EQ(proxy.get("a.test").body, "hello");
  proxy.remove_host("a.test");
  proxy.config.upstreams.clear();
  proxy.publish();
  EXPECT_TRUE(TestProxy::eventually([&] { return removed.ended == 1; }));
  EXPECT_EQ(proxy.get("a.test").status, 404);
}

TEST_F(Swap, AConnectionInUseAtTheRemovalIsClosedAfterItsResponse) {
  Watched removed;
  proxy.route("a.test", "/", {removed.origin.port()});
  proxy.start();
  RawSocket client = proxy.connect();
  client.send("GET /wait HTTP/1.1\r\nHost: a.test\r\n\r\n");
  ASSERT_TRUE(TestProxy::eventually([&] { return removed.origin.connections() == 1; }));
  proxy.route("a.test", "/", {});
  proxy.publish();
  EXPECT_EQ(removed.ended, 0);
  removed.answer.open();
  const RawResponse response = read_response(client);
  EXPECT_EQ(response.body, "hello");
  EXPECT_FALSE(response.has("Connection")) << "the client's own connection stays";
  EXPECT_TRUE(TestProxy::eventually([&] { return removed.ended == 1; }));
  client.send(get_from("a.test"));
  EXPECT_EQ(read_response(client).status, 503);
}

}  // namespace
}  // namespace fairlead

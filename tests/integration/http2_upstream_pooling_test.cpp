#include "tests/integration/http2_upstream_front.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using namespace test;

// What a server under test sees at most at once, over all its connections.
struct Load {
  std::atomic<int> now{0}, most{0};
  void up() {
    const int count = ++now;
    int known = most;
    while (count > known && !most.compare_exchange_weak(known, count)) {
    }
  }
};

class Http2UpstreamPooling : public Http2UpstreamFront {
 protected:
  // Answers with the path, each request once the gate is open.
  void serve_behind_gate(const std::string& server_settings = {}) {
    serve(
        [this](Http2Client& server) {
          while (const std::int32_t stream = server.next_request()) {
            load.up();
            ++asked;
            gate.wait();
            --load.now;
            std::string path;
            for (const auto& [name, value] : server.seen(stream).fields) path = name == ":path" ? value : path;
            server.respond(stream, 200, path);
          }
        },
        server_settings);
  }
  void expect_answers(std::vector<RawSocket>& clients) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      EXPECT_EQ(read_response(clients[i]).body, "/" + std::to_string(i));
    }
  }
  static std::string streams(std::uint32_t most) { return Http2Client::setting(3, most); }

  Gate gate;
  Load load;
  std::atomic<int> asked{0};
};

TEST_F(Http2UpstreamPooling, ThoseWhoComeWhileItIsMadeShareOneConnection) {
  serve_behind_gate();
  std::vector<RawSocket> clients = start_clients(50);
  ASSERT_TRUE(TestProxy::eventually([&] { return asked == 1; }));
  gate.open();
  expect_answers(clients);
  EXPECT_EQ(origin->connections(), 1);
  EXPECT_EQ(proxy.counter(&WorkerCounters::upstream_connects), 1u);
}

TEST_F(Http2UpstreamPooling, AConnectionTakesNoMoreStreamsThanItsUpstreamAllows) {
  proxy.options.limits.http2_max_upstream_connections = 1;
  std::atomic<std::size_t> most{0};
  serve(
      [&](Http2Client& server) {
        std::vector<std::int32_t> open;
        for (int count = 1; count <= 6; ++count) {
          open.push_back(server.next_request());
          most = std::max(most.load(), open.size());
          if (open.size() < 2 && count < 6) continue;
          server.respond(open.front(), 200, "/" + std::to_string(count));
          open.erase(open.begin());
        }
        for (const std::int32_t stream : open) server.respond(stream, 200, "last");
        server.read_to_end();
      },
      streams(2));
  std::vector<RawSocket> clients = start_clients(6);
  for (RawSocket& client : clients) EXPECT_EQ(read_response(client).status, 200);
  EXPECT_EQ(most, 2u);
  EXPECT_EQ(origin->connections(), 1);
}

TEST_F(Http2UpstreamPooling, AConnectionTakesNoMoreStreamsThanItsMaximum) {
  proxy.options.limits.http2_upstream_max_concurrent_streams = 1;
  serve_behind_gate();
  std::vector<RawSocket> clients = start_clients(3);
  EXPECT_TRUE(TestProxy::eventually([&] { return asked == 3; })) << "each on a connection of its own";
  EXPECT_EQ(origin->connections(), 3);
  gate.open();
  expect_answers(clients);
}

TEST_F(Http2UpstreamPooling, NoMoreConnectionsThanTheirMaximumAreMade) {
  proxy.options.limits.http2_max_upstream_connections = 2;
  serve_behind_gate(streams(1));
  std::vector<RawSocket> clients = start_clients(6);
  ASSERT_TRUE(TestProxy::eventually([&] { return asked == 2; }));
  gate.open();
  expect_answers(clients);
  EXPECT_EQ(load.most, 2);
  EXPECT_EQ(origin->connections(), 2);
}

TEST_F(Http2UpstreamPooling, NoMoreRequestsThanTheirMaximumWait) {
  proxy.options.limits.http2_max_upstream_connections = 1;
  proxy.options.limits.http2_max_upstream_waiting = 1;
  serve_behind_gate(streams(1));
  std::vector<RawSocket> first = start_clients(1);
  ASSERT_TRUE(TestProxy::eventually([&] { return asked == 1; }));
  std::vector<RawSocket> others = start_clients(2);
  ASSERT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits("http2_max_upstream_waiting") == 1; }));
  gate.open();
  expect_answers(first);
  const int statuses[] = {read_response(others[0]).status, read_response(others[1]).status};
  EXPECT_THAT(statuses, testing::UnorderedElementsAre(200, 504));
}

TEST_F(Http2UpstreamPooling, ThoseWhoWaitForRoomWaitNoLongerThanForAConnection) {
  settings.connect_timeout = 200ms;
  proxy.options.limits.http2_max_upstream_connections = 1;
  serve_behind_gate(streams(1));
  std::vector<RawSocket> first = start_clients(1);
  ASSERT_TRUE(TestProxy::eventually([&] { return asked == 1; }));
  EXPECT_EQ(proxy.get("a.test").status, 504);
  EXPECT_TRUE(logged("had no room for one more request")) << proxy.log.text();
  gate.open();
  expect_answers(first);
}

TEST_F(Http2UpstreamPooling, AClientThatLeavesWhileItWaitsTakesNoStream) {
  proxy.options.limits.http2_max_upstream_connections = 1;
  serve_behind_gate(streams(1));
  std::vector<RawSocket> clients = start_clients(3);
  ASSERT_TRUE(TestProxy::eventually([&] { return asked == 1; }));
  clients[1].reset();
  gate.open();
  EXPECT_EQ(read_response(clients[0]).body, "/0");
  EXPECT_EQ(read_response(clients[2]).body, "/2");
}

TEST_F(Http2UpstreamPooling, AConnectionServesItsShareOfRequests) {
  proxy.options.limits.max_upstream_requests = 2;
  gate.open();
  serve_behind_gate();
  for (int i = 0; i < 6; ++i) EXPECT_EQ(proxy.get("a.test").body, "/");
  EXPECT_EQ(origin->connections(), 3);
}

TEST_F(Http2UpstreamPooling, AnIdleConnectionIsClosedAfterItsTime) {
  proxy.options.limits.upstream_idle_timeout = 100ms;
  std::atomic<bool> told{false};
  serve([&](Http2Client& server) {
    server.respond(server.next_request(), 200, "one");
    server.read_to_end();
    told = server.got_goaway && server.goaway_error == Http2Error::no_error;
  });
  EXPECT_EQ(proxy.get("a.test").body, "one");
  EXPECT_TRUE(TestProxy::eventually([&] { return told.load(); }));
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits("upstream_idle_timeout") == 1; }));
}

TEST_F(Http2UpstreamPooling, AConnectionToAnEndpointThatIsGoneEndsAfterItsStreams) {
  std::atomic<bool> told{false};
  serve([&](Http2Client& server) {
    const std::int32_t stream = server.next_request();
    ++asked;
    gate.wait();
    server.respond(stream, 200, "old");
    server.read_to_end();
    told = server.got_goaway;
  });
  std::vector<RawSocket> client = start_clients(1);
  ASSERT_TRUE(TestProxy::eventually([&] { return asked == 1; }));
  Origin next(over_http2([](const Question&) { return Answer{.body = "new"}; }));
  lead_to(next.port());
  proxy.publish();
  EXPECT_EQ(proxy.get("a.test").body, "new");
  gate.open();
  EXPECT_EQ(read_response(client[0]).body, "old");
  EXPECT_TRUE(TestProxy::eventually([&] { return told.load(); }));
}

TEST_F(Http2UpstreamPooling, ADeadUpstreamIsFoundByPing) {
  proxy.options.limits.http2_upstream_ping_interval = 100ms;
  proxy.options.limits.http2_upstream_ping_timeout = 100ms;
  serve([](Http2Client& server) {
    server.answers_pings = false;
    server.read_to_end();
  });
  EXPECT_EQ(proxy.get("a.test").status, 502);
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits("http2_upstream_ping_timeout") == 1; }));
  EXPECT_TRUE(logged("the upstream did not answer a PING")) << proxy.log.text();
}

TEST_F(Http2UpstreamPooling, ASlowUpstreamThatAnswersPingsIsLeftAlone) {
  proxy.options.limits.http2_upstream_ping_interval = 100ms;
  proxy.options.limits.http2_upstream_ping_timeout = 5000ms;
  serve([](Http2Client& server) {
    const std::int32_t stream = server.next_request();
    int pings = 0;
    while (pings < 3 && !server.ended) pings += server.next().head.type == Http2FrameType::ping ? 1 : 0;
    server.respond(stream, 200, "slow");
  });
  EXPECT_EQ(proxy.get("a.test").body, "slow");
}

TEST_F(Http2UpstreamPooling, RequestsAreBalancedOneByOne) {
  const auto saying = [](const char* body) {
    return over_http2([body](const Question&) { return Answer{.body = body}; });
  };
  Origin one(saying("1")), two(saying("2"));
  proxy.route("a.test", "/", {one.port(), two.port()},
              [](TestProxy::Routed& routed) { routed.upstream.protocol = UpstreamProtocol::h2c; });
  proxy.start();
  AnyClient client(proxy.http_port(), true);
  int ones = 0;
  for (int i = 0; i < 20; ++i) ones += client.ask({}).body == "1" ? 1 : 0;
  EXPECT_EQ(ones, 10) << "of one client's connection";
  EXPECT_EQ(one.connections() + two.connections(), 2);
}

}  // namespace
}  // namespace fairlead

#include <gtest/gtest.h>

#include "tests/integration/http2_front.hpp"
#include "tests/support/gate.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using namespace test;

constexpr std::uint16_t initial_window = 4;

class Http2Flow : public Http2Front {};

TEST_F(Http2Flow, AStalledStreamStallsNoOther) {
  Origin origin(Origin::answering([](const RawRequest& request) {
    return ok(request.line().find("/large") != std::string::npos ? std::string(300'000, 'x') : "small");
  }));
  serve(origin.port());
  client->opens_windows = false;
  client->window(0, 10'000'000);  // only the streams' own windows stop anything
  const std::int32_t stalled = client->get("a.test", "/large");
  ASSERT_TRUE(client->until([&] { return client->seen(stalled).body.size() == 65'535; }));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(client->response(client->get("a.test", "/small")).body, "small");
  EXPECT_EQ(client->seen(stalled).body.size(), 65'535u);
  client->window(stalled, 1'000'000);
  EXPECT_EQ(client->response(stalled).body.size(), 300'000u);
}

TEST_F(Http2Flow, ATinyWindowIsKeptTo) {
  Origin origin(Origin::saying("hello"));
  serve(origin.port(), Http2Client::setting(initial_window, 1));
  client->opens_windows = false;
  const std::int32_t stream = client->get("a.test");
  for (const char* seen : {"h", "he", "hel", "hell"}) {
    ASSERT_TRUE(client->until([&] { return client->seen(stream).body == seen; }));
    client->window(stream, 1);
  }
  EXPECT_EQ(client->response(stream).body, "hello");
}

TEST_F(Http2Flow, AServiceThatReadsNothingStopsTheClient) {
  Gate read_on;
  Origin origin([&](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    read_on.wait();
    for (std::size_t got = 0; got < 30'000'000;) {
      const std::size_t more = connection.read_some().size();
      if (more == 0) return;
      got += more;
    }
    connection.send(ok("done"));
  });
  proxy.options.limits.http2_max_control_frames = 100'000;  // it asks often
  proxy.route("a.test", "/", {origin.port()},
              [](TestProxy::Routed& routed) { routed.route.settings.max_body_bytes = 0; });
  proxy.start();
  start_client();
  const std::size_t total = 30'000'000;
  const std::int32_t stream = client->post("a.test", {{"content-length", std::to_string(total)}});
  std::size_t stream_window = 65'535, connection_window = 65'535, sent = 0;
  bool opened = false;
  const std::string piece(16'384, 'x');
  while (sent < total) {
    const std::size_t part = std::min({stream_window, connection_window, total - sent, piece.size()});
    if (part > 0) {
      client->data(stream, std::string_view(piece).substr(0, part), sent + part == total);
      sent += part;
      stream_window -= part;
      connection_window -= part;
      continue;
    }
    // A ping's answer comes behind every window that was opened before.
    const int pings = client->pings_acknowledged;
    bool any = false;
    client->frame(Http2FrameType::ping, 0, 0, "12345678");
    while (client->pings_acknowledged == pings) {
      const Http2Frame frame = client->next();
      ASSERT_FALSE(frame.none);
      if (frame.head.type != Http2FrameType::window_update) continue;
      any = true;
      (frame.head.stream == 0 ? connection_window : stream_window) += frame.number(0);
    }
    if (any || opened) continue;
    EXPECT_LT(sent, 20'000'000u) << "no more than the sockets between hold";
    opened = true;
    read_on.open();
  }
  EXPECT_TRUE(opened) << "the client was never stopped";
  EXPECT_EQ(client->response(stream).body, "done");
}

TEST_F(Http2Flow, AClientThatOpensNoWindowIsNotWaitedForForEver) {
  Origin origin(Origin::saying(std::string(1'000, 'x')));
  proxy.options.limits.client_send_timeout = 200ms;
  serve(origin.port(), Http2Client::setting(initial_window, 0));
  const std::int32_t stream = client->get("a.test");
  const Http2Response response = client->response(stream);
  EXPECT_TRUE(response.reset);
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits("client_send_timeout") == 1; }));
  client->frame(Http2FrameType::ping, 0, 0, "12345678");
  EXPECT_TRUE(client->until([&] { return client->pings_acknowledged == 1; })) << "the connection lives";
}

TEST_F(Http2Flow, AStalledStreamIsNotHiddenByOthersThatMove) {
  Origin origin([](RawSocket& connection) {
    const bool stalls = connection.read_until("\r\n\r\n").find("/stalled") != std::string::npos;
    const std::string piece = chunk(std::string(16'000, 'x'));
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < (stalls ? 10 : 1'000'000) && connection.send(piece); ++i) {
    }
  });
  proxy.options.limits.client_send_timeout = 300ms;
  serve(origin.port());
  client->opens_windows = false;
  client->window(0, 0x7f000000);
  const std::int32_t stalled = client->get("a.test", "/stalled");
  ASSERT_TRUE(client->until([&] { return client->seen(stalled).body.size() == 65'535; }));
  const std::int32_t moving = client->get("a.test", "/moving");
  client->window(moving, 0x7f000000);
  Origin pace(Origin::saying("tick"));
  proxy.route("pace.test", "/", {pace.port()});
  proxy.publish();
  // Slower than the origin sends, so that the socket is always full, and yet always moves.
  for (int i = 0; i < 1'000 && proxy.limit_hits("client_send_timeout") == 0; ++i) {
    for (int j = 0; j < 4; ++j) ASSERT_EQ(proxy.get("pace.test").body, "tick");
    for (int j = 0; j < 4; ++j) ASSERT_FALSE(client->next().none);
  }
  EXPECT_EQ(proxy.limit_hits("client_send_timeout"), 1u) << "of the stalled stream";
  EXPECT_FALSE(client->seen(moving).reset);
}

}  // namespace
}  // namespace fairlead

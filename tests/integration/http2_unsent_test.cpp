#include <gtest/gtest.h>

#include <algorithm>

#include "tests/integration/http2_front.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using namespace test;

// What is held of responses that the client does not take: of all streams of a connection together.
class Http2Unsent : public Http2Front {
 protected:
  static constexpr std::size_t body_size = 60'000;
  static constexpr std::uint16_t initial_window = 4;

  void serve() {
    proxy.options.limits.http2_max_unsent_bytes = 200'000;
    Http2Front::serve(origin.port(), Http2Client::setting(initial_window, 0));
    client->opens_windows = false;
    client->window(0, 0x7f000000);
  }
  void ping() {
    const int before = client->pings_acknowledged;
    client->frame(Http2FrameType::ping, 0, 0, "12345678");
    ASSERT_TRUE(client->until([&] { return client->pings_acknowledged > before; }));
  }
  std::vector<std::int32_t> ask(std::size_t count) {
    std::vector<std::int32_t> streams(count);
    for (std::int32_t& stream : streams) stream = client->get("a.test");
    return streams;
  }
  std::ptrdiff_t answered(const std::vector<std::int32_t>& streams) {
    return std::count_if(streams.begin(), streams.end(),
                         [&](std::int32_t stream) { return client->seen(stream).status == 200; });
  }

  std::atomic<std::size_t> served{0};
  Origin origin{Origin::answering([this](const RawRequest&) {
    ++served;
    return ok(std::string(body_size, 'x'));
  })};
};

TEST_F(Http2Unsent, NoMoreIsTakenFromServicesThanTheLimit) {
  serve();
  const std::vector<std::int32_t> streams = ask(128);
  ASSERT_TRUE(TestProxy::eventually([&] { return served == streams.size(); }));
  ASSERT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits("http2_max_unsent_bytes") > 0; }));
  ping();
  ping();
  EXPECT_GE(answered(streams), 1);
  EXPECT_LE(answered(streams), 4) << "the others wait at the service";
  for (const std::int32_t stream : streams) client->window(stream, body_size);
  for (const std::int32_t stream : streams) {
    EXPECT_EQ(client->response(stream).body.size(), body_size);
    EXPECT_TRUE(client->seen(stream).complete);
  }
}

TEST_F(Http2Unsent, WhatTheClientReadsGoesOnBesideWhatItDoesNot) {
  serve();
  const std::vector<std::int32_t> stalled = ask(10);
  ASSERT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits("http2_max_unsent_bytes") > 0; }));
  for (int i = 0; i < 20; ++i) {
    const std::int32_t read = client->get("a.test");
    client->window(read, body_size);
    EXPECT_EQ(client->response(read).body.size(), body_size);
  }
  EXPECT_LT(answered(stalled), 5);
  for (const std::int32_t stream : stalled) EXPECT_EQ(client->seen(stream).body, "");
}

TEST_F(Http2Unsent, WhatIsNeverReadGivesItsRoomBack) {
  proxy.options.limits.client_send_timeout = 300ms;
  serve();
  const std::vector<std::int32_t> stalled = ask(20);
  for (const std::int32_t stream : stalled) EXPECT_TRUE(client->response(stream).reset);
  const std::int32_t read = client->get("a.test");
  client->window(read, body_size);
  EXPECT_EQ(client->response(read).body.size(), body_size);
  EXPECT_FALSE(client->got_goaway);
}

}  // namespace
}  // namespace fairlead

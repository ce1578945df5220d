#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/http2_front.hpp"
#include "tests/support/gate.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using namespace test;
using testing::HasSubstr;

const std::string eight_bytes = "12345678";

// What a client may not do without end. Each flood ends its connection, is counted and logged; others go on.
class Http2Floods : public Http2Front {
 protected:
  void serve() {
    proxy.options.limits.http2_max_control_frames = 100;
    proxy.options.limits.http2_max_resets = 20;
    Http2Front::serve(origin);
    beside_socket = proxy.connect();
    beside = std::make_unique<Http2Client>(beside_socket);
    EXPECT_EQ(beside->response(beside->get("a.test")).status, 200);
  }
  void expect_calmed(const std::string& limit) {
    client->read_to_end();
    EXPECT_TRUE(client->got_goaway);
    EXPECT_EQ(client->goaway_error, Http2Error::enhance_your_calm);
    EXPECT_EQ(proxy.limit_hits(limit), 1u);
    EXPECT_THAT(proxy.log.text(), HasSubstr("ENHANCE_YOUR_CALM, limit " + limit));
    EXPECT_EQ(beside->response(beside->get("a.test")).status, 200);
    EXPECT_FALSE(beside->got_goaway);
    socket.close();
    EXPECT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 1; }));
    RawSocket other = proxy.connect();
    Http2Client calm(other);
    EXPECT_EQ(calm.response(calm.get("a.test")).status, 200);
  }
  void expect_calm() {
    client->frame(Http2FrameType::ping, 0, 0, eight_bytes);
    EXPECT_TRUE(client->until([&] { return client->pings_acknowledged > 0; }));
    EXPECT_EQ(client->response(client->get("a.test")).status, 200);
    EXPECT_FALSE(client->got_goaway);
  }

  Origin origin{Origin::saying("hello")};
  RawSocket beside_socket;
  std::unique_ptr<Http2Client> beside;  // asks for nothing but answers
};

TEST_F(Http2Floods, WhoIsBesideOneIsServedThroughout) {
  serve();
  for (int i = 0; i < 150; ++i) {
    client->frame(Http2FrameType::ping, 0, 0, eight_bytes);
    client->reset(client->get("a.test"));
    if (i % 5 != 0) continue;
    ASSERT_EQ(beside->response(beside->get("a.test")).body, "hello") << i;
  }
  client->read_to_end();
  EXPECT_EQ(client->goaway_error, Http2Error::enhance_your_calm);
  EXPECT_FALSE(beside->got_goaway);
}

TEST_F(Http2Floods, Pings) {
  serve();
  for (int i = 0; i < 200; ++i) client->frame(Http2FrameType::ping, 0, 0, eight_bytes);
  expect_calmed("http2_max_control_frames");
}

TEST_F(Http2Floods, Settings) {
  serve();
  for (int i = 0; i < 200; ++i) client->frame(Http2FrameType::settings, 0, 0);
  expect_calmed("http2_max_control_frames");
}

TEST_F(Http2Floods, Priorities) {
  serve();
  for (int i = 0; i < 200; ++i) {
    client->frame(Http2FrameType::priority, 0, 1 + 2 * i, Http2Client::number(0) + std::string(1, 'w'));
  }
  expect_calmed("http2_max_control_frames");
}

TEST_F(Http2Floods, PriorityUpdatesAndUnknownFrames) {
  serve();
  for (int i = 0; i < 100; ++i) {
    client->frame(Http2FrameType::priority_update, 0, 0, Http2Client::number(1) + "u=1");
    client->frame(static_cast<Http2FrameType>(99), 0, 0, "?");
  }
  expect_calmed("http2_max_control_frames");
}

TEST_F(Http2Floods, WindowUpdatesThatNobodyNeeds) {
  serve();
  for (int i = 0; i < 200; ++i) client->window(0, 1);
  expect_calmed("http2_max_control_frames");
}

TEST_F(Http2Floods, DataWithoutData) {
  serve();
  const std::int32_t stream = client->post("a.test");
  for (int i = 0; i < 200; ++i) client->data(stream, "");
  expect_calmed("http2_max_control_frames");
}

TEST_F(Http2Floods, PaddingWithoutData) {
  serve();
  const std::int32_t stream = client->post("a.test");
  const std::string padding = std::string(1, '\x64') + std::string(100, '\0');
  for (int i = 0; i < 200; ++i) client->frame(Http2FrameType::data, 8, stream, padding);
  expect_calmed("http2_max_control_frames");
}

// CVE-2023-44487.
TEST_F(Http2Floods, StreamsThatAreResetAtOnce) {
  serve();
  for (int i = 0; i < 50; ++i) client->reset(client->get("a.test"));
  expect_calmed("http2_max_resets");
}

// CVE-2025-8671: the client has us reset its streams.
TEST_F(Http2Floods, WindowsThatOverflow) {
  serve();
  for (int i = 0; i < 50; ++i) client->window(client->post("a.test"), 0x7fffffff);
  expect_calmed("http2_max_resets");
}

TEST_F(Http2Floods, MalformedRequests) {
  serve();
  for (int i = 0; i < 50; ++i) client->get("a.test", "/", {{"connection", "close"}});
  expect_calmed("http2_max_resets");
}

// CVE-2024-27316 and its like.
TEST_F(Http2Floods, ContinuationsWithoutEnd) {
  serve();
  client->headers(1, {{":method", "GET"}}, Http2Client::end_stream);
  for (int i = 0; i < 20; ++i) client->frame(Http2FrameType::continuation, 0, 1, client->compress({{"x", "y"}}));
  expect_calmed("http2_max_continuations");
}

TEST_F(Http2Floods, AHeadThatIsFarTooLarge) {
  serve();
  client->headers(1, {{":method", "GET"}}, Http2Client::end_stream);
  const std::string piece = client->compress({{"x", std::string(3'000, '\x01')}});
  std::string block;
  while (block.size() < 16'000) block += piece;
  for (int i = 0; i < 7; ++i) client->frame(Http2FrameType::continuation, 0, 1, block.substr(0, 16'384));
  client->read_to_end();
  EXPECT_TRUE(client->got_goaway);
  EXPECT_EQ(proxy.limit_hits("max_request_head_bytes"), 1u);
}

// A few bytes that mean many: each one stands for a field of 4,000 bytes in the table.
TEST_F(Http2Floods, AHeadThatGrowsWhenItIsUnpacked) {
  serve();
  const Http2Fields request{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a.test"}};
  std::string block = client->compress(request);
  // RFC 7541 6.2.1: a field to be remembered, its value 3,500 = 127 + 45 + 26 * 128 bytes long.
  block += std::string("\x40\x01x\x7f\xad\x1a") + std::string(3'500, 'x');
  block += std::string(12'000, '\xbe');  // 6.1: the last that was remembered, 12,000 times
  client->frame(Http2FrameType::headers, 5, 1, block);
  EXPECT_EQ(client->response(1).status, 431);
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits("max_request_head_bytes") == 1; }));
}

TEST_F(Http2Floods, AWindowThatOpensByteByByte) {
  origin.stop();
  Origin large(Origin::saying(std::string(10'000, 'x')));
  proxy.options.limits.http2_max_control_frames = 100;
  proxy.route("a.test", "/", {large.port()});
  proxy.start();
  start_client(Http2Client::setting(4, 1));
  client->opens_windows = false;
  const std::int32_t stream = client->get("a.test");
  ASSERT_TRUE(client->until([&] { return client->seen(stream).status == 200; }));
  for (int i = 0; i < 300 && !client->got_goaway; ++i) {
    client->window(stream, 1);
    const std::size_t seen = client->seen(stream).body.size();
    client->until([&] { return client->seen(stream).body.size() > seen || client->got_goaway; });
  }
  EXPECT_TRUE(client->got_goaway);
  EXPECT_EQ(client->goaway_error, Http2Error::enhance_your_calm);
}

TEST_F(Http2Floods, WhoReadsAsItComesIsNoFlood) {
  origin.stop();
  // Many small pieces, each of which the client reports twice: for the stream and for the connection.
  Origin dripping([](RawSocket& connection) {
    read_request(connection);
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 500; ++i) connection.send(chunk("piece"));
    connection.send("0\r\n\r\n");
    connection.read_to_end();
  });
  proxy.options.limits.http2_max_control_frames = 100;
  proxy.route("a.test", "/", {dripping.port()});
  proxy.start();
  start_client();
  EXPECT_EQ(client->response(client->get("a.test")).body.size(), 2'500u);
  EXPECT_FALSE(client->got_goaway);
}

TEST_F(Http2Floods, ManyRequestsAreNoFlood) {
  serve();
  for (int i = 0; i < 500; ++i) ASSERT_EQ(client->response(client->get("a.test")).status, 200);
  expect_calm();
}

TEST_F(Http2Floods, APrefaceThatDoesNotCome) {
  proxy.options.limits.header_timeout = 200ms;
  proxy.start();
  RawSocket slow = proxy.connect();
  slow.send(Http2FrameScan::client_preface.substr(0, 20));
  slow.read_to_end();
  EXPECT_EQ(proxy.limit_hits("header_timeout"), 1u);
}

// What is no HTTP/2 behind the lines that promised it is not answered in HTTP/1.1, either.
TEST_F(Http2Floods, APrefaceThatGoesOnOtherwise) {
  serve();
  for (const std::string_view rest : {"XX\r\n\r\n", "SM\r\nX-A: b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"}) {
    RawSocket other = proxy.connect();
    other.send("PRI * HTTP/2.0\r\n\r\n" + std::string(rest));
    const std::string answer = other.read_to_end();
    EXPECT_THAT(answer, testing::Not(HasSubstr("HTTP/1.1"))) << rest;
  }
  EXPECT_EQ(beside->response(beside->get("a.test")).status, 200);
}

// And what is none from the first line on is HTTP/1.1, whose rules it breaks.
TEST_F(Http2Floods, WhatIsNoPrefaceIsABadRequestOfHttp1) {
  serve();
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"INVALID CONNECTION PREFACE\r\n\r\n", "HTTP/1.1 400 "},
      {"PRI * HTTP/2.0\r\nHost: a.test\r\n\r\n", "HTTP/1.1 505 "},
      {"PRI / HTTP/2.0\r\n\r\n", "HTTP/1.1 505 "},
      {std::string_view("\x16\x03\x01\x00\x05\r\n\r\n", 9), "HTTP/1.1 400 "}};
  for (const auto& [bytes, answer] : cases) {
    RawSocket other = proxy.connect();
    other.send(bytes);
    EXPECT_THAT(other.read_to_end(), testing::StartsWith(std::string(answer))) << bytes;
  }
}

TEST_F(Http2Floods, AHeadThatStopsHalfway) {
  proxy.options.limits.header_timeout = 200ms;
  serve();
  ASSERT_TRUE(client->until([&] { return client->settings_acknowledged == 1; }));
  client->headers(1, {{":method", "GET"}}, Http2Client::end_stream);
  client->read_to_end();
  EXPECT_TRUE(client->got_goaway);
  EXPECT_EQ(proxy.limit_hits("header_timeout"), 1u);
}

TEST_F(Http2Floods, AnIdleConnectionIsClosed) {
  proxy.options.limits.idle_timeout = 200ms;
  Http2Front::serve(origin);
  EXPECT_EQ(client->response(client->get("a.test")).status, 200);
  client->read_to_end();
  EXPECT_TRUE(client->got_goaway);
  EXPECT_EQ(client->goaway_error, Http2Error::no_error);
  EXPECT_EQ(proxy.limit_hits("idle_timeout"), 1u);
}

TEST_F(Http2Floods, AConnectionHasItsLastRequest) {
  proxy.options.limits.max_keepalive_requests = 3;
  serve();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client->response(client->get("a.test")).status, 200);
  client->read_to_end();
  EXPECT_TRUE(client->got_goaway);
  EXPECT_EQ(client->goaway_error, Http2Error::no_error);
  EXPECT_EQ(client->goaway_streams.back(), 5);
}

TEST_F(Http2Floods, NoRequestBehindTheLastIsServedAndThenDisowned) {
  proxy.options.limits.max_keepalive_requests = 3;
  serve();
  std::vector<std::int32_t> streams;
  for (int i = 0; i < 6; ++i) streams.push_back(client->get("a.test"));
  for (const std::int32_t stream : streams) EXPECT_EQ(client->response(stream).status, 200) << stream;
  client->read_to_end();
  EXPECT_GE(client->goaway_streams.back(), streams.back()) << "the client would ask for it again";
}

TEST_F(Http2Floods, AHeadThatNobodyLooksAtIsNoHeadThatDoesNotEnd) {
  proxy.options.limits.header_timeout = 300ms;
  Gate answer;
  Origin slow([&](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    answer.wait();
    connection.send(ok("done"));
  });
  proxy.route("slow.test", "/", {slow.port()});
  serve();
  const std::int32_t under_way = client->get("slow.test");
  const std::int32_t refused = client->post("nobody.test");
  ASSERT_TRUE(client->until([&] { return client->seen(refused).reset; })) << "answered before its body came";
  client->headers(refused, {{"its", "trailers"}});
  RawSocket other = proxy.connect();  // began later, and is too slow
  Http2Client too_slow(other);
  too_slow.frame(Http2FrameType::headers, 0, 1, too_slow.compress({{":method", "GET"}}));
  ASSERT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits("header_timeout") > 0; }));
  answer.open();
  EXPECT_EQ(client->response(under_way).body, "done");
  EXPECT_EQ(proxy.limit_hits("header_timeout"), 1u);
}

}  // namespace
}  // namespace fairlead

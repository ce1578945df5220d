#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/integration/http2_front.hpp"
#include "tests/support/gate.hpp"

namespace fairlead {
namespace {

using namespace test;
using testing::HasSubstr;

class Http2Faults : public Http2Front {
 protected:
  Http2Response ask(const Http2Fields& fields) {
    const std::int32_t stream = client->next_stream();
    client->headers(stream, fields);
    return client->response(stream);
  }
  static Http2Fields request(const Http2Fields& more) {
    Http2Fields fields{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a.test"}};
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
  }
  // The connection must have survived.
  void expect_served() { EXPECT_EQ(client->response(client->get("a.test")).status, 200); }
};

TEST_F(Http2Faults, MalformedRequestsAreResetAndNeverReachTheService) {
  Asked asked;
  Origin origin(Origin::keeping(asked));
  serve(origin.port());
  const std::pair<const char*, Http2Fields> cases[] = {
      {"upper-case name", request({{"X-Upper", "1"}})},
      {"connection-specific field", request({{"connection", "close"}})},
      {"keep-alive", request({{"keep-alive", "5"}})},
      {"proxy-connection", request({{"proxy-connection", "close"}})},
      {"transfer-encoding", request({{"transfer-encoding", "chunked"}})},
      {"upgrade", request({{"upgrade", "websocket"}})},
      {"te other than trailers", request({{"te", "gzip"}})},
      {"pseudo field behind others", request({{"x", "1"}, {":method", "GET"}})},
      {"unknown pseudo field", request({{":unknown", "1"}})},
      {"two paths", request({{":path", "/b"}})},
      {"line feed in a value", request({{"x", "a\nb: c"}})},
      {"carriage return in a value", request({{"x", "a\rb"}})},
      {"space in a name", request({{"x y", "1"}})},
      {"colon in a name", request({{"x:y", "1"}})},
      {"white space around a value", request({{"x", " 1"}})},
      {"a length that is not one", request({{"content-length", "1x"}})},
      {"two lengths", request({{"content-length", "0"}, {"content-length", "0"}})},
      {"a length without its body", request({{"content-length", "5"}})},
      {"no path", {{":method", "GET"}, {":scheme", "http"}, {":authority", "a.test"}}},
      {"no method", {{":path", "/"}, {":scheme", "http"}, {":authority", "a.test"}}},
      {"no scheme", {{":method", "GET"}, {":path", "/"}, {":authority", "a.test"}}},
      {"an empty path", {{":method", "GET"}, {":scheme", "http"}, {":path", ""}, {":authority", "a.test"}}},
      {"a protocol without CONNECT", request({{":protocol", "websocket"}})},
  };
  for (const auto& [name, fields] : cases) {
    const Http2Response response = ask(fields);
    EXPECT_TRUE(response.reset) << name;
    EXPECT_EQ(response.error, Http2Error::protocol_error) << name;
  }
  EXPECT_EQ(asked.count(), 0u);
  expect_served();
  origin.stop();
}

TEST_F(Http2Faults, WhatHttp11RefusesIsRefusedHereToo) {
  Asked asked;
  Origin origin(Origin::keeping(asked));
  serve(origin.port());
  const auto line = [](const char* method, const char* path, const char* authority, const Http2Fields& more = {}) {
    Http2Fields fields{{":method", method}, {":scheme", "http"}, {":path", path}, {":authority", authority}};
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
  };
  const struct {
    const char* name;
    int status;
    Http2Fields fields;
  } cases[] = {
      {"CONNECT", 405, {{":method", "CONNECT"}, {":authority", "a.test:443"}}},
      {"TRACE", 405, line("TRACE", "/", "a.test")},
      {"a Host that differs", 400, line("GET", "/", "a.test", {{"host", "b.test"}})},
      {"two Hosts", 400, line("GET", "/", "a.test", {{"host", "a.test"}, {"host", "a.test"}})},
      {"a path that climbs out", 400, line("GET", "/../..", "a.test")},
      {"an asterisk without OPTIONS", 400, line("GET", "*", "a.test")},
      {"an authority that is none", 400, line("GET", "/", "a test")},
      {"an unknown expectation", 417, line("GET", "/", "a.test", {{"expect", "wonders"}})},
      {"a long head", 431, line("GET", "/", "a.test", {{"x", std::string(40'000, 'x')}})},
      {"a long path", 414, line("GET", ("/" + std::string(9'000, 'x')).c_str(), "a.test")},
      {"an unknown tunnel",
       501,
       {{":method", "CONNECT"}, {":protocol", "other"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a.test"}}},
  };
  for (const auto& [name, status, fields] : cases) {
    const std::int32_t stream = client->next_stream();
    // What is longer than a frame is continued.
    std::string block = client->compress(fields);
    const bool long_one = block.size() > 16'000;
    client->frame(Http2FrameType::headers, long_one ? 1 : 5, stream, block.substr(0, 16'000));
    for (std::size_t at = 16'000; at < block.size(); at += 16'000) {
      client->frame(Http2FrameType::continuation, at + 16'000 < block.size() ? 0 : 4, stream, block.substr(at, 16'000));
    }
    const Http2Response response = client->response(stream);
    if (response.reset) {
      EXPECT_EQ(response.error, Http2Error::protocol_error) << name << ": nghttp2 knows better";
    } else {
      EXPECT_EQ(response.status, status) << name;
    }
  }
  Http2Fields many = request({});
  for (int i = 0; i < 200; ++i) many.emplace_back("x-" + std::to_string(i), "1");
  EXPECT_EQ(ask(many).status, 431);
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits("max_header_count") == 1; }));
  EXPECT_EQ(asked.count(), 0u);
  expect_served();
  origin.stop();
}

TEST_F(Http2Faults, ABodyThatIsNotAsLongAsItSaidIsReset) {
  Origin origin(Origin::saying("hello"));
  serve(origin.port());
  for (const char* body : {"abcd", "abcdefgh"}) {
    const std::int32_t stream = client->post("a.test", {{"content-length", "5"}});
    client->data(stream, body, true);
    const Http2Response response = client->response(stream);
    EXPECT_TRUE(response.reset) << body;
    EXPECT_EQ(response.error, Http2Error::protocol_error) << body;
  }
  expect_served();
}

TEST_F(Http2Faults, AResponseThatBreaksOffIsResetNeverEnded) {
  for (const std::string& head : {std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
                                  std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")}) {
    Origin origin([&](RawSocket& connection) {
      read_request(connection);
      connection.send(head);
    });
    TestProxy own;
    own.route("a.test", "/", {origin.port()});
    own.start();
    RawSocket to = own.connect();
    Http2Client asking(to);
    const Http2Response response = asking.response(asking.get("a.test"));
    EXPECT_EQ(response.status, 200);
    EXPECT_FALSE(response.complete);
    EXPECT_TRUE(response.reset);
    EXPECT_EQ(response.error, Http2Error::internal_error);
    EXPECT_FALSE(asking.got_goaway) << "the others go on";
  }
}

TEST_F(Http2Faults, AnUpstreamThatIsNotThereIs502) {
  serve(closed_port());
  EXPECT_EQ(client->response(client->get("a.test")).status, 502);
}

TEST_F(Http2Faults, AStreamThatIsResetEndsItsRequestAtTheService) {
  Gate reached, gone;
  Origin origin([&](RawSocket& connection) {
    read_request(connection);
    reached.open();
    if (connection.at_end()) gone.open();
  });
  const std::string log = testing::TempDir() + "/http2_faults_test.log";
  proxy.options.access_log = log;
  serve(origin.port());
  const std::int32_t stream = client->get("a.test", "/cancelled");
  reached.wait();
  client->reset(stream);
  gone.wait();
  EXPECT_FALSE(client->seen(stream).complete);
  client->frame(Http2FrameType::ping, 0, 0, "12345678");
  EXPECT_TRUE(client->until([&] { return client->pings_acknowledged == 1; })) << "the connection lives";
  proxy.workers.reset();
  std::ifstream file(log);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  std::remove(log.c_str());
  EXPECT_THAT(text, HasSubstr("\"GET /cancelled HTTP/2.0\" 499 0 "));
}

TEST_F(Http2Faults, AConnectionThatBreaksEndsAllItsRequests) {
  std::atomic<int> reached{0}, gone{0};
  Origin origin([&](RawSocket& connection) {
    read_request(connection);
    ++reached;
    if (connection.at_end()) ++gone;
  });
  serve(origin.port());
  for (int i = 0; i < 5; ++i) client->get("a.test");
  ASSERT_TRUE(TestProxy::eventually([&] { return reached == 5; }));
  socket.reset();
  EXPECT_TRUE(TestProxy::eventually([&] { return gone == 5; }));
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 0; }));
}

TEST_F(Http2Faults, AnAnswerBeforeTheBodyEndsItWithoutAnError) {
  proxy.route("a.test", "/", {closed_port()},
              [](TestProxy::Routed& routed) { routed.route.settings.max_body_bytes = 10; });
  proxy.start();
  start_client();
  const std::int32_t stream = client->post("a.test", {{"content-length", "100"}});
  EXPECT_EQ(client->response(stream).status, 413);
  EXPECT_TRUE(client->until([&] { return client->seen(stream).reset; }));
  EXPECT_EQ(client->seen(stream).error, Http2Error::no_error);
  EXPECT_FALSE(client->data(stream, std::string(100, 'x'), true) && client->got_goaway)
      << "late frames are to be expected";
  client->frame(Http2FrameType::ping, 0, 0, "12345678");
  EXPECT_TRUE(client->until([&] { return client->pings_acknowledged == 1; }));
}

// RFC 9113 5.1: what h2spec looks at, and what it does not.
TEST_F(Http2Faults, FramesOnClosedStreamsAreAnswered) {
  Origin origin(Origin::saying("hello"));
  serve(origin.port());
  const std::int32_t first = client->get("a.test");
  EXPECT_EQ(client->response(first).status, 200);
  client->data(first, "late", true);
  EXPECT_TRUE(client->until([&] { return client->seen(first).reset; }));
  EXPECT_EQ(client->seen(first).error, Http2Error::stream_closed);
  expect_served();
  const std::int32_t third = client->get("a.test");
  client->response(third);
  client->headers(third, request({}));
  EXPECT_TRUE(client->until([&] { return client->got_goaway; }));
  EXPECT_EQ(client->goaway_error, Http2Error::stream_closed);
}

TEST_F(Http2Faults, AStreamThatWasSkippedCannotBeOpenedLater) {
  Origin origin(Origin::saying("hello"));
  serve(origin.port());
  client->headers(9, request({}));
  EXPECT_EQ(client->response(9).status, 200);
  client->headers(5, request({}));
  EXPECT_TRUE(client->until([&] { return client->got_goaway; }));
  EXPECT_EQ(client->goaway_error, Http2Error::protocol_error);
}

TEST_F(Http2Faults, MoreStreamsThanAllowedAreRefused) {
  Gate gate;
  Origin origin(Origin::answering([&](const RawRequest&) {
    gate.wait();
    return ok("hello");
  }));
  proxy.options.limits.http2_max_concurrent_streams = 3;
  serve(origin.port());
  std::int32_t streams[3];
  for (std::int32_t& stream : streams) stream = client->get("a.test");
  const Http2Response refused = client->response(client->get("a.test"));
  EXPECT_TRUE(refused.reset);
  EXPECT_EQ(refused.error, Http2Error::refused_stream);
  gate.open();
  for (const std::int32_t stream : streams) EXPECT_EQ(client->response(stream).body, "hello");
}

}  // namespace
}  // namespace fairlead

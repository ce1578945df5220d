#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/integration/http2_front.hpp"
#include "tests/support/gate.hpp"

namespace fairlead {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class Http2Message : public Http2Front {
 protected:
  Asked asked;
};

TEST_F(Http2Message, ARequestReachesTheServiceAsHttp11) {
  Origin origin(Origin::keeping(asked));
  serve(origin);
  EXPECT_EQ(client->response(client->get("a.test", "/a/b?c=d", {{"accept", "*/*"}, {"te", "trailers"}})).status, 200);
  const RawRequest request = asked.last();
  EXPECT_EQ(request.line(), "GET /a/b?c=d HTTP/1.1");
  EXPECT_EQ(request.field("Host"), "a.test");
  EXPECT_EQ(request.field("accept"), "*/*");
  EXPECT_EQ(request.field("X-Forwarded-Proto"), "http");
  EXPECT_FALSE(request.has("te"));
  EXPECT_FALSE(request.has("Content-Length"));
  EXPECT_FALSE(request.has("Transfer-Encoding"));
  origin.stop();
}

TEST_F(Http2Message, AResponseKeepsItsFieldsLessThoseOfTheConnection) {
  Origin origin(Origin::answering([](const RawRequest&) {
    return ok("hello", "X-Own: 1\r\nConnection: X-Hop\r\nX-Hop: 2\r\nKeep-Alive: timeout=5\r\nServer: secret\r\n");
  }));
  serve(origin);
  const Http2Response response = client->response(client->get("a.test"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(response.field("x-own"), "1");
  EXPECT_EQ(response.field("content-length"), "5");
  EXPECT_NE(response.field("date"), "");
  for (const char* name : {"connection", "x-hop", "keep-alive", "server", "transfer-encoding"}) {
    EXPECT_EQ(response.field(name), "") << name;
  }
}

TEST_F(Http2Message, StreamsAreServedAtOnceAndASlowOneHoldsNobodyUp) {
  Gate gate;
  Origin origin(Origin::answering([&](const RawRequest& request) {
    if (request.line().find("/slow") != std::string::npos) gate.wait();
    return ok(request.line());
  }));
  serve(origin);
  const std::int32_t slow = client->get("a.test", "/slow");
  for (int i = 0; i < 20; ++i) {
    const std::string path = "/" + std::to_string(i);
    EXPECT_EQ(client->response(client->get("a.test", path)).body, "GET " + path + " HTTP/1.1");
  }
  EXPECT_FALSE(client->seen(slow).complete);
  gate.open();
  EXPECT_EQ(client->response(slow).body, "GET /slow HTTP/1.1");
}

TEST_F(Http2Message, CookieCrumbsAreJoined) {
  Origin origin(Origin::keeping(asked));
  serve(origin);
  client->response(client->get("a.test", "/", {{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}, {"cookie", "c=3"}}));
  EXPECT_EQ(asked.last().field("Cookie"), "a=1; b=2; c=3");
  origin.stop();
}

TEST_F(Http2Message, ABodyOfKnownLengthKeepsIt) {
  Origin origin(Origin::keeping(asked));
  serve(origin);
  const std::int32_t stream = client->post("a.test", {{"content-length", "6"}});
  client->data(stream, "abc");
  client->data(stream, "def", true);
  EXPECT_EQ(client->response(stream).status, 200);
  EXPECT_EQ(asked.last().field("Content-Length"), "6");
  EXPECT_EQ(asked.last().body, "abcdef");
  origin.stop();
}

TEST_F(Http2Message, ABodyOfUnknownLengthIsChunkedAndKeepsItsTrailers) {
  Origin origin(Origin::keeping(asked));
  serve(origin);
  const std::int32_t stream = client->post("a.test", {{"trailer", "x-sum"}});
  client->data(stream, "abc");
  client->headers(stream, {{"x-sum", "42"}, {"authorization", "secret"}});
  EXPECT_EQ(client->response(stream).status, 200);
  EXPECT_EQ(asked.last().field("Transfer-Encoding"), "chunked");
  EXPECT_EQ(asked.last().body, "abc");
  EXPECT_THAT(asked.last().trailers, HasSubstr("x-sum: 42"));
  EXPECT_THAT(asked.last().trailers, Not(HasSubstr("authorization")));
  origin.stop();
}

TEST_F(Http2Message, TrailersOfAResponseArePassedOn) {
  Origin origin(Origin::answering([](const RawRequest&) {
    return std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 42\r\n\r\n");
  }));
  serve(origin);
  const Http2Response response = client->response(client->get("a.test"));
  EXPECT_TRUE(response.complete);
  EXPECT_EQ(response.body, "abc");
  EXPECT_EQ(response.field("content-length"), "");
  EXPECT_THAT(response.trailers, ElementsAre(Pair("x-sum", "42")));
}

TEST_F(Http2Message, InterimResponsesComeFirst) {
  Origin origin(Origin::answering(
      [](const RawRequest&) { return "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok("hello"); }));
  serve(origin);
  const Http2Response response = client->response(client->get("a.test"));
  EXPECT_THAT(response.interim, ElementsAre(103));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello");
}

TEST_F(Http2Message, ABodyWaitsForTheServicesContinue) {
  Origin origin([](RawSocket& connection) {
    const std::string head = connection.read_until("\r\n\r\n");
    EXPECT_NE(head.find("expect: 100-continue"), std::string::npos) << head;
    connection.send("HTTP/1.1 100 Continue\r\n\r\n");
    connection.send(ok("got " + connection.read_exactly(4)));
    connection.read_to_end();
  });
  serve(origin.port());
  const std::int32_t stream = client->post("a.test", {{"expect", "100-continue"}, {"content-length", "4"}});
  ASSERT_TRUE(client->until([&] { return !client->seen(stream).interim.empty(); }));
  EXPECT_EQ(client->seen(stream).interim, std::vector<int>{100});
  client->data(stream, "body", true);
  EXPECT_EQ(client->response(stream).body, "got body");
}

TEST_F(Http2Message, ARefusalInsteadOfContinueSparesTheBody) {
  Origin origin([](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    connection.send("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
    connection.read_to_end();
  });
  serve(origin.port());
  const std::int32_t stream = client->post("a.test", {{"expect", "100-continue"}, {"content-length", "400000"}});
  EXPECT_EQ(client->response(stream).status, 417);
  ASSERT_TRUE(client->until([&] { return client->seen(stream).reset; }));
  EXPECT_EQ(client->seen(stream).error, Http2Error::no_error) << "RFC 9113 8.1: the rest is not wanted";
}

TEST_F(Http2Message, AHeadResponseHasALengthAndNoBody) {
  Origin origin(Origin::answering(
      [](const RawRequest&) { return std::string("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"); }));
  serve(origin);
  const std::int32_t stream = client->next_stream();
  client->headers(stream, {{":method", "HEAD"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a.test"}});
  const Http2Response response = client->response(stream);
  EXPECT_TRUE(response.complete);
  EXPECT_EQ(response.field("content-length"), "1000");
  EXPECT_EQ(response.body, "");
}

TEST_F(Http2Message, AnEmptyResponseIsJustItsHead) {
  Origin origin(Origin::answering([](const RawRequest&) { return std::string("HTTP/1.1 204 No Content\r\n\r\n"); }));
  serve(origin);
  const Http2Response response = client->response(client->get("a.test"));
  EXPECT_EQ(response.status, 204);
  EXPECT_TRUE(response.complete);
  EXPECT_EQ(response.field("content-length"), "");
}

TEST_F(Http2Message, LargeBodiesGoBothWaysWhole) {
  Origin origin(Origin::answering([](const RawRequest& request) { return ok(request.body); }));
  serve(origin);
  std::string large(800'000, 'x');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 23);
  const std::int32_t stream = client->post("a.test", {{"content-length", std::to_string(large.size())}});
  // No faster than the windows allow: all that were opened are counted.
  std::size_t window = 65'535, sent = 0;
  while (sent < large.size()) {
    const std::size_t part = std::min({window, large.size() - sent, std::size_t{16'384}});
    if (part == 0) {
      const Http2Frame frame = client->next();
      ASSERT_FALSE(frame.none);
      if (frame.head.type == Http2FrameType::window_update && frame.head.stream == stream) window += frame.number(0);
      continue;
    }
    client->data(stream, std::string_view(large).substr(sent, part), sent + part == large.size());
    sent += part;
    window -= part;
  }
  EXPECT_EQ(client->response(stream).body, large);
}

TEST_F(Http2Message, TheLogSaysHttp2) {
  Origin origin(Origin::saying("hello"));
  const std::string log = testing::TempDir() + "/http2_message_test.log";
  proxy.options.access_log = log;
  serve(origin);
  client->response(client->get("a.test", "/logged"));
  proxy.workers.reset();
  std::ifstream file(log);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  std::remove(log.c_str());
  EXPECT_THAT(text, HasSubstr("\"GET /logged HTTP/2.0\" 200 5 "));
}

TEST_F(Http2Message, AnotherConnectionMayStillSpeakHttp1) {
  Origin origin(Origin::saying("hello"));
  serve(origin);
  EXPECT_EQ(client->response(client->get("a.test")).body, "hello");
  EXPECT_EQ(proxy.get("a.test").body, "hello");
  EXPECT_EQ(proxy.counter(&WorkerCounters::http2_connections), 1u);
}

TEST_F(Http2Message, WithoutHttp2ItsPrefaceIsRefused) {
  proxy.options.http2 = false;
  proxy.start();
  RawSocket client_socket = proxy.connect();
  client_socket.send(Http2FrameScan::client_preface);
  EXPECT_EQ(read_response(client_socket).status, 505);
}

TEST_F(Http2Message, APrefaceMayComeByteByByteAndBehindAProxyHeader) {
  Origin origin(Origin::saying("hello"));
  proxy.options.use_proxy_protocol = true;
  proxy.route("a.test", "/", {origin.port()});
  proxy.start();
  socket = proxy.connect();
  socket.send("PROXY TCP4 192.0.2.7 192.0.2.8 4711 80\r\n");
  for (const char c : Http2FrameScan::client_preface.substr(0, 23)) socket.send({&c, 1});
  RawSocket& same = socket;
  same.send(Http2FrameScan::client_preface.substr(23));
  // As Http2Client would, but for the preface.
  same.send(std::string("\0\0\0\4\0\0\0\0\0", 9));
  const std::string head = same.read_exactly(9);
  ASSERT_EQ(head.size(), 9u);
  EXPECT_EQ(Http2FrameHead::parse(head.data()).type, Http2FrameType::settings);
}

}  // namespace
}  // namespace fairlead

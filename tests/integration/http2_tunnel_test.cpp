#include <gtest/gtest.h>

#include "tests/integration/http2_front.hpp"
#include "tls/websocket_accept.hpp"

namespace fairlead {
namespace {

using namespace test;

// RFC 8441: WebSocket over one stream, bridged to an Upgrade at the service.
class Http2Tunnel : public Http2Front {
 protected:
  std::int32_t connect() {
    const std::int32_t stream = client->next_stream();
    client->headers(stream,
                    {{":method", "CONNECT"},
                     {":protocol", "websocket"},
                     {":scheme", "http"},
                     {":path", "/chat"},
                     {":authority", "a.test"},
                     {"sec-websocket-version", "13"},
                     {"sec-websocket-protocol", "talk"}},
                    Http2Client::end_headers);
    return stream;
  }
  // A head that agrees, open for more.
  static std::string switching(const std::string& accept) {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
           accept + "\r\n";
  }
};

TEST_F(Http2Tunnel, BytesGoBothWaysUntilEachEnds) {
  RawRequest asked;
  Origin origin([&](RawSocket& connection) {
    asked = read_request(connection);
    connection.send(switching(websocket_accept(asked.field("Sec-WebSocket-Key"))) +
                    "Sec-WebSocket-Protocol: talk\r\n\r\nfirst");
    connection.send("you said " + connection.read_exactly(5));
    connection.read_to_end();
    connection.send(", bye");
  });
  serve(origin.port());
  const std::int32_t stream = connect();
  ASSERT_TRUE(client->until([&] { return client->seen(stream).body == "first"; }));
  const Http2Response& response = client->seen(stream);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.field("sec-websocket-protocol"), "talk");
  EXPECT_EQ(response.field("sec-websocket-accept"), "");
  EXPECT_EQ(response.field("upgrade"), "");
  client->data(stream, "hello");
  ASSERT_TRUE(client->until([&] { return client->seen(stream).body == "firstyou said hello"; }));
  client->data(stream, "", true);
  EXPECT_EQ(client->response(stream).body, "firstyou said hello, bye");
  EXPECT_TRUE(client->seen(stream).complete);
  EXPECT_EQ(asked.line(), "GET /chat HTTP/1.1");
  EXPECT_EQ(asked.field("Upgrade"), "websocket");
  EXPECT_EQ(asked.field("Connection"), "Upgrade");
  EXPECT_EQ(asked.field("Sec-WebSocket-Version"), "13");
  EXPECT_EQ(asked.field("Sec-WebSocket-Key").size(), 24u);
}

TEST_F(Http2Tunnel, ARefusalIsAnOrdinaryResponse) {
  Origin origin(Origin::answering(
      [](const RawRequest&) { return std::string("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"); }));
  serve(origin.port());
  const Http2Response response = client->response(connect());
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.body, "no");
}

// A 2xx would tell the client that the tunnel is there.
TEST_F(Http2Tunnel, AServiceThatDoesNotSwitchIs502) {
  Origin origin(Origin::saying("hello"));
  serve(origin.port());
  const Http2Response response = client->response(connect());
  EXPECT_EQ(response.status, 502);
  EXPECT_EQ(response.body, "");
}

// The key is ours, so only we can tell (RFC 6455 4.1): an answer to another one is none of a WebSocket server.
TEST_F(Http2Tunnel, AServiceThatDoesNotAnswerTheKeyIs502) {
  std::string answer;
  std::atomic<int> closed{0};
  Origin origin([&](RawSocket& connection) {
    read_request(connection);
    connection.send(answer + "\r\nhello");
    if (connection.at_end()) ++closed;
  });
  serve(origin.port());
  int asked = 0;
  for (const std::string& wrong :
       {switching("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), switching(""),
        std::string("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")}) {
    answer = wrong;
    const Http2Response response = client->response(connect());
    EXPECT_EQ(response.status, 502) << wrong;
    EXPECT_EQ(response.body.find("hello"), std::string::npos);
    ++asked;
    EXPECT_TRUE(TestProxy::eventually([&] { return closed == asked; }));
  }
}

TEST_F(Http2Tunnel, AResetEndsItAtTheService) {
  std::atomic<bool> gone{false};
  Origin origin([&](RawSocket& connection) {
    const RawRequest request = read_request(connection);
    connection.send(switching(websocket_accept(request.field("Sec-WebSocket-Key"))) + "\r\nhello");
    gone = connection.at_end();
  });
  serve(origin.port());
  const std::int32_t stream = connect();
  ASSERT_TRUE(client->until([&] { return client->seen(stream).body == "hello"; }));
  client->reset(stream);
  EXPECT_TRUE(TestProxy::eventually([&] { return gone.load(); }));
}

}  // namespace
}  // namespace fairlead

#include <gtest/gtest.h>

#include "tests/integration/http2_front.hpp"

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
};

TEST_F(Http2Tunnel, BytesGoBothWaysUntilEachEnds) {
  RawRequest asked;
  Origin origin([&](RawSocket& connection) {
    asked = read_request(connection);
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: talk\r\n\r\nfirst");
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

TEST_F(Http2Tunnel, AResetEndsItAtTheService) {
  std::atomic<bool> gone{false};
  Origin origin([&](RawSocket& connection) {
    read_request(connection);
    connection.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello");
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

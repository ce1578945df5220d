#include <gtest/gtest.h>

#include "tests/support/test_proxy.hpp"

// Interim responses (1xx) and Expect: 100-continue, from end to end.
namespace fairlead {
namespace {

using namespace test;

const std::string get = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const std::string expecting = "POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";

class Http1InterimTest : public testing::Test {
 protected:
  void serve(const Origin& origin) {
    proxy.route("a.test", "/", {origin.port()});
    proxy.start();
    client = proxy.connect();
  }
  // The origin says these bytes to each request's head, whatever its body.
  static Origin::Handler saying_to_heads(std::string bytes) {
    return [bytes = std::move(bytes)](RawSocket& connection) {
      while (connection.read_until("\r\n\r\n").ends_with("\r\n\r\n") && connection.send(bytes)) {
      }
    };
  }

  TestProxy proxy;
  RawSocket client;
};

TEST_F(Http1InterimTest, InterimResponsesPassInOrderBeforeTheFinalOne) {
  Origin origin(
      saying_to_heads("HTTP/1.1 100 Continue\r\n\r\n"
                      "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n"
                      "HTTP/1.1 103 Early Hints\r\nLink: </b.css>\r\nContent-Length: 5\r\n\r\n"
                      "HTTP/1.1 102\r\n\r\n" +
                      ok("final")));
  serve(origin);
  client.send(get);
  EXPECT_EQ(read_response(client).head, "HTTP/1.1 100 Continue");
  EXPECT_EQ(read_response(client).head, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>");
  EXPECT_EQ(read_response(client).head, "HTTP/1.1 103 Early Hints\r\nLink: </b.css>");
  EXPECT_EQ(read_response(client).status, 102);
  EXPECT_EQ(read_response(client).body, "final");
  client.send(get);
  EXPECT_EQ(read_response(client).status, 100) << "the connection goes on";
}

TEST_F(Http1InterimTest, AnInterimResponseDoesNotWaitForTheFinalOne) {
  std::atomic<bool> hinted = false;
  Origin origin([&](RawSocket& connection) {
    read_request(connection);
    connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
    EXPECT_TRUE(TestProxy::eventually([&] { return hinted.load(); }));
    connection.send(ok("final"));
  });
  serve(origin);
  EXPECT_EQ(ask(client, get).status, 103);
  hinted = true;
  EXPECT_EQ(read_response(client).body, "final");
}

TEST_F(Http1InterimTest, AnHttp10ClientGetsTheFinalResponseOnly) {
  Origin origin(saying_to_heads("HTTP/1.1 103 Early Hints\r\n\r\n" + ok("final")));
  serve(origin);
  const RawResponse response = ask(client, "GET / HTTP/1.0\r\nHost: a.test\r\n\r\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "final");
}

TEST_F(Http1InterimTest, AsManyPassAsTheLimitSaysAndNotOneMore) {
  std::atomic<int> count = 3;
  Origin origin(Origin::answering([&](const RawRequest&) {
    std::string answer;
    for (int i = 0; i < count; ++i) answer += "HTTP/1.1 103 Early Hints\r\n\r\n";
    return answer + ok("final");
  }));
  proxy.options.limits.max_interim_responses = 3;
  serve(origin);
  client.send(get);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(read_response(client).status, 103);
  EXPECT_EQ(read_response(client).body, "final");

  count = 4;
  client.send(get);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(read_response(client).status, 103);
  EXPECT_EQ(read_response(client).status, 502);
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits("max_interim_responses") == 1; }));
  EXPECT_NE(proxy.log.text().find("max_interim_responses"), std::string::npos);
}

// Many large interim responses to a client that reads late must neither be lost nor mixed up.
TEST_F(Http1InterimTest, ASlowReaderGetsThemAllInOrder) {
  const int count = 500;
  const std::string filler(30'000, 'x');
  Origin origin([&](RawSocket& connection) {
    read_request(connection);
    for (int i = 0; i < count; ++i) {
      connection.send("HTTP/1.1 103 Early Hints\r\nX-Number: " + std::to_string(i) + "\r\nX: " + filler + "\r\n\r\n");
    }
    connection.send(ok("final"));
  });
  proxy.options.limits.max_interim_responses = count;
  serve(origin);
  client.send(get);
  for (int i = 0; i < count; ++i) {
    const RawResponse interim = read_response(client);
    ASSERT_EQ(interim.field("X-Number"), std::to_string(i));
    ASSERT_EQ(interim.field("X"), filler);
  }
  EXPECT_EQ(read_response(client).body, "final");
}

TEST_F(Http1InterimTest, AClientThatWaitsIsToldToContinueByTheOrigin) {
  Origin origin([](RawSocket& connection) {
    const std::string head = connection.read_until("\r\n\r\n");
    EXPECT_NE(head.find("Expect: 100-continue"), std::string::npos);
    connection.send("HTTP/1.1 100 Continue\r\n\r\n");
    connection.send(ok(connection.read_exactly(4)));
    EXPECT_EQ(read_request(connection).line(), "GET / HTTP/1.1");
    connection.send(ok("next"));
  });
  serve(origin);
  EXPECT_EQ(ask(client, expecting).status, 100);
  const RawResponse final = ask(client, "body");
  EXPECT_EQ(final.body, "body");
  EXPECT_FALSE(final.has("Connection"));
  EXPECT_EQ(ask(client, get).body, "next");
  EXPECT_EQ(origin.connections(), 1);
}

// Whether the client still sends its body is not known: no other request may follow on that connection.
TEST_F(Http1InterimTest, AFinalAnswerInsteadOf100EndsTheConnection) {
  for (const int status : {200, 401, 417}) {
    Origin origin(saying_to_heads("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 2\r\n\r\nno"));
    TestProxy fresh;
    fresh.route("a.test", "/", {origin.port()});
    fresh.start();
    client = fresh.connect();
    const RawResponse response = ask(client, expecting);
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.body, "no");
    EXPECT_EQ(response.field("Connection"), "close");
    client.send("GET ");  // taken for the body, or for nothing, but for no request
    EXPECT_TRUE(client.ends_here());
    EXPECT_FALSE(client.was_reset());
    EXPECT_EQ(fresh.get("a.test").status, status);
    EXPECT_EQ(origin.connections(), 2) << "the origin still waits for a body: its connection is not used again";
  }
}

TEST_F(Http1InterimTest, AClientMaySendItsBodyWithoutWaiting) {
  Origin origin([](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    const std::string body = connection.read_exactly(4);
    connection.send("HTTP/1.1 100 Continue\r\n\r\n" + ok(body));
    read_request(connection);
    connection.send(ok("next"));
  });
  serve(origin);
  client.send(expecting + "body" + get);
  EXPECT_EQ(read_response(client).status, 100);
  EXPECT_EQ(read_response(client).body, "body");
  EXPECT_EQ(read_response(client).body, "next");
}

TEST_F(Http1InterimTest, AnUpstreamThatNeverSays100IsBlamedAndNotTheClient) {
  Origin silent([](RawSocket& connection) { connection.read_to_end(); });
  proxy.route("a.test", "/", {silent.port()}, [](TestProxy::Routed& routed) {
    routed.route.settings.read_timeout = std::chrono::milliseconds(200);
    routed.route.settings.next_upstream_tries = 1;
  });
  proxy.start();
  client = proxy.connect();
  EXPECT_EQ(ask(client, expecting).status, 504);
}

TEST_F(Http1InterimTest, AnUnknownExpectationIsRefused) {
  Origin origin([](RawSocket&) { ADD_FAILURE() << "the origin was reached"; });
  serve(origin);
  for (const std::string expect :
       {"200-ok", "100-continue, 200-ok", "", "100-continue\r\nExpect: 200-ok", "200-ok\r\nExpect: 100-continue"}) {
    client = proxy.connect();
    const RawResponse response =
        ask(client, "POST / HTTP/1.1\r\nHost: a.test\r\nExpect: " + expect + "\r\nContent-Length: 4\r\n\r\nbody");
    EXPECT_EQ(response.status, 417) << expect;
    EXPECT_TRUE(client.ends_here()) << expect;
  }
}

TEST_F(Http1InterimTest, WhatIsAnsweredHereDoesNotWaitForTheBody) {
  Origin origin([](RawSocket&) { ADD_FAILURE() << "the origin was reached"; });
  proxy.route("a.test", "/", {origin.port()},
              [](TestProxy::Routed& routed) { routed.route.settings.max_body_bytes = 3; });
  proxy.start();
  client = proxy.connect();
  const RawResponse large = ask(client, expecting);
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(large.field("Connection"), "close");
  client = proxy.connect();
  const RawResponse unknown =
      ask(client, "POST / HTTP/1.1\r\nHost: other.test\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.field("Connection"), "close");
}

TEST_F(Http1InterimTest, AnOriginThatCannotGoOnAfter100IsA502) {
  Origin origin([](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    connection.send("HTTP/1.1 100 Continue\r\n\r\n");
    connection.read_exactly(4);
  });
  serve(origin);
  EXPECT_EQ(ask(client, expecting).status, 100);
  EXPECT_EQ(ask(client, "body").status, 502);
  EXPECT_EQ(origin.connections(), 1) << "a body that was sent is not sent again";
}

}  // namespace
}  // namespace fairlead

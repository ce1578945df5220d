#include <gtest/gtest.h>
#include <poll.h>

#include <future>

#include "tests/support/test_proxy.hpp"

// Persistence and framing of HTTP/1.1 messages, as a client and an origin see them.
namespace fairlead {
namespace {

using namespace test;

const std::string get_line = "GET / HTTP/1.1\r\nHost: a.test\r\n";
const std::string get = get_line + "\r\n";
const std::string old_get = "GET / HTTP/1.0\r\nHost: a.test\r\n";

class Http1MessageTest : public testing::Test {
 protected:
  void serve(const Origin& origin) {
    proxy.route("a.test", "/", {origin.port()});
    proxy.start();
    client = proxy.connect();
  }

  TestProxy proxy;
  RawSocket client;
};

// Every connection of the origin is answered with these bytes after each request.
Origin::Handler answering_with(std::string bytes) {
  return Origin::answering([bytes = std::move(bytes)](const RawRequest&) { return bytes; });
}

// One answer, then the end of the connection.
Origin::Handler answering_once(std::string bytes) {
  return [bytes = std::move(bytes)](RawSocket& connection) {
    if (read_request(connection).complete) connection.send(bytes);
  };
}

TEST_F(Http1MessageTest, AConnectionPersistsUntilTheClientSaysClose) {
  Origin origin(Origin::saying("hello"));
  serve(origin);
  const RawResponse kept = ask(client, get);
  EXPECT_EQ(kept.body, "hello");
  EXPECT_FALSE(kept.has("Connection"));
  const RawResponse last = ask(client, get_line + "Connection: x, CLOSE\r\n\r\n");
  EXPECT_EQ(last.body, "hello");
  EXPECT_EQ(last.field("Connection"), "close");
  EXPECT_TRUE(client.at_end());
}

// A packet less for either side, and a wake-up less for the client.
TEST_F(Http1MessageTest, TheEndOfTheConnectionComesWithTheLastBytes) {
  Origin origin(Origin::saying("hello"));
  serve(origin);
  client.send(get_line + "Connection: close\r\n\r\n");
  pollfd news{client.fd(), POLLIN | POLLRDHUP, 0};
  ASSERT_EQ(::poll(&news, 1, 10'000), 1);
  EXPECT_TRUE(news.revents & POLLRDHUP);
  EXPECT_EQ(read_response(client).body, "hello");
  EXPECT_TRUE(client.at_end());
}

TEST_F(Http1MessageTest, AnHttp10ConnectionEndsUnlessTheClientWantsItKept) {
  Origin origin(Origin::saying("hello"));
  serve(origin);
  const RawResponse kept = ask(client, old_get + "Connection: Keep-Alive\r\n\r\n");
  EXPECT_EQ(kept.body, "hello");
  EXPECT_EQ(kept.field("Connection"), "keep-alive");
  const RawResponse last = ask(client, old_get + "\r\n");
  EXPECT_EQ(last.body, "hello");
  EXPECT_EQ(last.field("Connection"), "close");
  EXPECT_TRUE(client.at_end());
}

TEST_F(Http1MessageTest, TheOriginsCloseIsNotTheClients) {
  Origin origin(answering_once("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"));
  serve(origin);
  for (int i = 0; i < 3; ++i) {
    const RawResponse response = ask(client, get);
    EXPECT_EQ(response.body, "ok");
    EXPECT_FALSE(response.has("Connection"));
  }
  EXPECT_EQ(origin.connections(), 3);
}

TEST_F(Http1MessageTest, AnOriginOfHttp10IsKeptOnlyIfItSaysSo) {
  std::atomic<int> asked = 0;
  Origin origin(Origin::answering([&](const RawRequest&) {
    const std::string connection = ++asked == 1 ? "Connection: keep-alive\r\n" : "";
    return "HTTP/1.0 200 OK\r\n" + connection + "Content-Length: 2\r\n\r\nok";
  }));
  serve(origin);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(client, get).body, "ok");
  EXPECT_EQ(origin.connections(), 2);
}

TEST_F(Http1MessageTest, TheLastRequestThatIsAllowedSaysClose) {
  Origin origin(Origin::saying("hello"));
  proxy.options.limits.max_keepalive_requests = 2;
  serve(origin);
  EXPECT_FALSE(ask(client, get).has("Connection"));
  EXPECT_EQ(ask(client, get).field("Connection"), "close");
  EXPECT_TRUE(client.at_end());
}

TEST_F(Http1MessageTest, PipelinedRequestsWithBodiesAreTakenApart) {
  Origin origin(Origin::answering([](const RawRequest& request) { return ok(request.line() + request.body); }));
  serve(origin);
  const std::string head = " HTTP/1.1\r\nHost: a.test\r\n";
  client.send("POST /1" + head + "Content-Length: 5\r\n\r\nfirst" +                                                 //
              "GET /2" + head + "\r\n" +                                                                            //
              "POST /3" + head + "Transfer-Encoding: chunked\r\n\r\n" + chunk("thi") + chunk("rd") + "0\r\n\r\n" +  //
              "PUT /4" + head + "Content-Length: 6\r\n\r\nfourth" +                                                 //
              "POST /5" + head + "Content-Length: 0\r\n\r\n");
  EXPECT_EQ(read_response(client).body, "POST /1 HTTP/1.1first");
  EXPECT_EQ(read_response(client).body, "GET /2 HTTP/1.1");
  EXPECT_EQ(read_response(client).body, "POST /3 HTTP/1.1third");
  EXPECT_EQ(read_response(client).body, "PUT /4 HTTP/1.1fourth");
  EXPECT_EQ(read_response(client).body, "POST /5 HTTP/1.1");
}

TEST_F(Http1MessageTest, RequestsMayComeByteByByteWithEmptyLinesBetweenThem) {
  Origin origin(Origin::answering([](const RawRequest& request) { return ok(request.line() + request.body); }));
  serve(origin);
  const std::string request =
      "\r\nPOST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("ab") + "0\r\n\r\n";
  for (const char c : request + request) client.send({&c, 1});
  EXPECT_EQ(read_response(client).body, "POST /x HTTP/1.1ab");
  EXPECT_EQ(read_response(client).body, "POST /x HTTP/1.1ab");
}

TEST_F(Http1MessageTest, LengthsAndChunksMeetInAllCombinations) {
  Asked asked;
  Origin origin(Origin::answering([&](const RawRequest& request) {
    asked.add(request);
    if (request.line().starts_with("POST /length")) return ok(request.body);
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(request.body) + "0\r\n\r\n";
  }));
  serve(origin);
  for (const std::string answer : {"/length", "/chunked"}) {
    for (const bool chunked : {false, true}) {
      const std::string head = "POST " + answer + " HTTP/1.1\r\nHost: a.test\r\n";
      const RawResponse response =
          chunked ? ask(client, head + "Transfer-Encoding: chunked\r\n\r\n" + chunk("bo") + chunk("dy") + "0\r\n\r\n")
                  : ask(client, head + "Content-Length: 4\r\n\r\nbody");
      EXPECT_EQ(asked.last().body, "body");
      EXPECT_EQ(asked.last().field("Content-Length"), chunked ? "" : "4");
      EXPECT_EQ(asked.last().field("Transfer-Encoding"), chunked ? "chunked" : "");
      EXPECT_TRUE(response.complete);
      EXPECT_EQ(response.body, "body");
      EXPECT_EQ(response.field("Content-Length"), answer == "/length" ? "4" : "");
      EXPECT_EQ(response.field("Transfer-Encoding"), answer == "/length" ? "" : "chunked");
    }
  }
  EXPECT_EQ(origin.connections(), 1);
}

TEST_F(Http1MessageTest, TrailersPassBothWays) {
  Asked asked;
  Origin origin(Origin::answering([&](const RawRequest& request) {
    asked.add(request);
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("x") + "0\r\nX-Answer: 42\r\nX-B:c\r\n\r\n";
  }));
  serve(origin);
  const RawResponse response = ask(client, "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                               chunk("x") + "0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n");
  EXPECT_EQ(asked.last().trailers, "X-Sum: 1\r\nX-Other: 2\r\n");
  EXPECT_EQ(response.trailers, "X-Answer: 42\r\nX-B: c\r\n");
  EXPECT_EQ(ask(client, get).body, "x") << "the connection goes on";
}

TEST_F(Http1MessageTest, AnswersToHeadHaveNoBodyWhateverTheySay) {
  Origin origin(Origin::answering([](const RawRequest& request) {
    if (request.line().starts_with("HEAD /chunked"))
      return std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    if (request.line().starts_with("HEAD")) return std::string("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    return ok("body");
  }));
  serve(origin);
  const RawResponse counted = ask(client, "HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n", true);
  EXPECT_EQ(counted.status, 200);
  EXPECT_EQ(counted.field("Content-Length"), "1000");
  const RawResponse chunked = ask(client, "HEAD /chunked HTTP/1.1\r\nHost: a.test\r\n\r\n", true);
  EXPECT_EQ(chunked.status, 200);
  EXPECT_FALSE(chunked.has("Content-Length"));
  EXPECT_EQ(ask(client, get).body, "body");
  EXPECT_EQ(origin.connections(), 1);
}

TEST_F(Http1MessageTest, StatusesWithoutABodyHaveNone) {
  Origin origin(Origin::answering([](const RawRequest& request) {
    if (request.line().starts_with("GET /204"))
      return std::string("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n");
    if (request.line().starts_with("GET /304")) {
      return std::string("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: \"a\"\r\n\r\n");
    }
    return ok("");
  }));
  serve(origin);
  const RawResponse none = ask(client, "GET /204 HTTP/1.1\r\nHost: a.test\r\n\r\n");
  EXPECT_EQ(none.status, 204);
  EXPECT_FALSE(none.has("Content-Length"));
  EXPECT_FALSE(none.has("Transfer-Encoding"));
  const RawResponse unchanged = ask(client, "GET /304 HTTP/1.1\r\nHost: a.test\r\n\r\n");
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_EQ(unchanged.field("Content-Length"), "5") << "the length that a 200 would have had";
  EXPECT_EQ(unchanged.field("ETag"), "\"a\"");
  const RawResponse empty = ask(client, get);
  EXPECT_EQ(empty.status, 200);
  EXPECT_EQ(empty.field("Content-Length"), "0");
  EXPECT_EQ(origin.connections(), 1);
}

TEST_F(Http1MessageTest, AnAnswerThatEndsWithItsConnectionIsChunked) {
  Origin origin(answering_once("HTTP/1.1 200 OK\r\n\r\nuntil the end"));
  serve(origin);
  for (int i = 0; i < 2; ++i) {
    const RawResponse response = ask(client, get);
    EXPECT_TRUE(response.complete);
    EXPECT_EQ(response.field("Transfer-Encoding"), "chunked");
    EXPECT_EQ(response.body, "until the end");
  }
  EXPECT_EQ(origin.connections(), 2);
}

TEST_F(Http1MessageTest, AnHttp10ClientIsNeverSentChunksOrTrailers) {
  Origin origin(answering_with("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("some") +
                               chunk("thing") + "0\r\nX-Sum: 1\r\n\r\n"));
  serve(origin);
  client.send(old_get + "Connection: keep-alive\r\n\r\n");
  const RawResponse response = read_response(client);
  EXPECT_FALSE(response.has("Transfer-Encoding"));
  EXPECT_FALSE(response.has("Content-Length"));
  EXPECT_EQ(response.field("Connection"), "close") << "only closing says where the body ends";
  EXPECT_EQ(response.body, "something");
  EXPECT_TRUE(client.at_end());
  EXPECT_FALSE(client.was_reset());
}

TEST_F(Http1MessageTest, AnHttp10RequestReachesTheOriginAsHttp11) {
  Asked asked;
  Origin origin(Origin::keeping(asked));
  serve(origin);
  ask(client, "POST /x HTTP/1.0\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab");
  EXPECT_EQ(asked.last().line(), "POST /x HTTP/1.1");
  EXPECT_EQ(asked.last().body, "ab");
  EXPECT_FALSE(asked.last().has("Connection"));
  EXPECT_FALSE(asked.last().has("Expect")) << "HTTP/1.0 knows no interim answer";
}

TEST_F(Http1MessageTest, AnHttp10RequestWithoutHostGoesToTheCatchAll) {
  Origin origin(Origin::saying("for all"));
  proxy.route("", "/", {origin.port()});
  proxy.start();
  client = proxy.connect();
  EXPECT_EQ(ask(client, "GET / HTTP/1.0\r\n\r\n").body, "for all");
}

// A body that is cut must not look whole to anybody.
TEST_F(Http1MessageTest, ACutAnswerIsCutForTheClientToo) {
  const struct {
    const char* what;
    std::string answer;
  } cases[] = {
      {"fewer bytes than counted", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"},
      {"no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("half")},
      {"half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf"},
      {"no end of the trailers",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("half") + "0\r\nA: b\r\n"},
      {"a malformed chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("half") + "no\r\n"},
  };
  for (const auto& c : cases) {
    Origin origin(answering_once(c.answer));
    proxy.route("a.test", "/", {origin.port()});
    if (proxy.workers) {
      proxy.publish();
    } else {
      proxy.start();
    }
    client = proxy.connect();
    const RawResponse response = ask(client, get);
    EXPECT_EQ(response.status, 200) << c.what;
    EXPECT_FALSE(response.complete) << c.what;
    EXPECT_EQ(response.body, "half") << c.what;
    EXPECT_TRUE(client.at_end()) << c.what;
    RawSocket old_client = proxy.connect();
    const RawResponse old = ask(old_client, old_get + "\r\n");
    const bool counted = old.has("Content-Length");
    EXPECT_TRUE(old_client.at_end()) << c.what;
    EXPECT_EQ(old_client.was_reset(), !counted) << c.what << ": an orderly end would say that the body is whole";
  }
}

TEST_F(Http1MessageTest, AResetByTheOriginDoesNotEndABodyInOrder) {
  std::promise<void> seen;
  Origin origin([&, wait = seen.get_future().share()](RawSocket& connection) {
    read_request(connection);
    connection.send("HTTP/1.1 200 OK\r\n\r\nhalf");
    wait.wait();
    connection.reset();
  });
  serve(origin);
  client.send(get);
  EXPECT_NE(client.read_until("half\r\n"), "");
  seen.set_value();
  EXPECT_TRUE(client.ends_here()) << "no last chunk";
}

TEST_F(Http1MessageTest, TheAuthorityOfAnAbsoluteTargetReplacesHost) {
  Asked asked;
  Origin origin(Origin::keeping(asked));
  serve(origin);
  ask(client, "GET http://a.test:8080/x?y HTTP/1.1\r\nHost: A.test\r\n\r\n");
  EXPECT_EQ(asked.last().line(), "GET /x?y HTTP/1.1");
  EXPECT_EQ(asked.last().field("Host"), "a.test:8080");
  EXPECT_EQ(asked.last().field("X-Forwarded-Host"), "a.test:8080");
  ask(client, "GET http://a.test?y HTTP/1.1\r\nHost: a.test\r\n\r\n");
  EXPECT_EQ(asked.last().line(), "GET /?y HTTP/1.1");
  ask(client, "GET HTTP://A.TEST HTTP/1.0\r\n\r\n");
  EXPECT_EQ(asked.last().line(), "GET / HTTP/1.1");
  EXPECT_EQ(asked.last().field("Host"), "A.TEST");
  EXPECT_EQ(asked.count(), 3u);
}

TEST_F(Http1MessageTest, OptionsOfTheServerIsAnsweredHere) {
  Origin origin([](RawSocket&) { ADD_FAILURE() << "the origin was reached"; });
  serve(origin);
  const RawResponse response = ask(client, "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "");
  EXPECT_NE(response.field("Allow").find("GET"), std::string::npos);
  EXPECT_EQ(ask(client, "GET * HTTP/1.1\r\nHost: a.test\r\n\r\n").status, 400);
  EXPECT_TRUE(client.at_end());
}

TEST_F(Http1MessageTest, ConnectAndTraceAreRefused) {
  Origin origin([](RawSocket&) { ADD_FAILURE() << "the origin was reached"; });
  serve(origin);
  for (const std::string line : {"CONNECT a.test:443 HTTP/1.1", "CONNECT / HTTP/1.1", "TRACE / HTTP/1.1"}) {
    client = proxy.connect();
    const RawResponse response = ask(client, line + "\r\nHost: a.test\r\n\r\n" + get);
    EXPECT_EQ(response.status, 405) << line;
    EXPECT_EQ(response.field("Allow").find("CONNECT"), std::string::npos) << line;
    EXPECT_TRUE(client.ends_here()) << line << ": what follows is no request";
  }
}

TEST_F(Http1MessageTest, EveryAnswerHasOneDate) {
  Origin origin(Origin::answering([](const RawRequest& request) {
    return ok("", request.line().starts_with("GET /own") ? "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n" : "");
  }));
  serve(origin);
  EXPECT_EQ(ask(client, "GET /own HTTP/1.1\r\nHost: a.test\r\n\r\n").field("Date"), "Thu, 01 Jan 1970 00:00:00 GMT");
  const RawResponse added = ask(client, get);
  EXPECT_EQ(added.field("Date").size(), 29u) << added.head;
  EXPECT_EQ(added.head.find("Date: "), added.head.rfind("Date: "));
}

TEST_F(Http1MessageTest, TheServerFieldIsOursOrNone) {
  Origin origin(answering_with("HTTP/1.1 200 OK\r\nServer: secret/1.0\r\nContent-Length: 0\r\n\r\n"));
  serve(origin);
  EXPECT_FALSE(ask(client, get).has("Server"));
  TestProxy named;
  named.options.server_header = "shop/2.0";
  named.route("a.test", "/", {origin.port()});
  named.start();
  EXPECT_EQ(named.get("a.test").field("Server"), "shop/2.0");
  EXPECT_EQ(named.get("unknown.test").field("Server"), "shop/2.0");
  const std::string head = named.get("a.test").head;
  EXPECT_EQ(head.find("Server: "), head.rfind("Server: ")) << head;
}

}  // namespace
}  // namespace fairlead

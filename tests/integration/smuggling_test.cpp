#include <gtest/gtest.h>

#include "tests/support/test_proxy.hpp"

// Bytes that two servers could read in two ways. What is refused must not reach the origin, not even in part; what is
// passed on must be framed there as it was here; and a connection to an origin whose framing is in doubt is not used
// again.
namespace fairlead {
namespace {

using namespace test;
using namespace std::string_literals;

const std::string get = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const std::string evil = "GET /evil HTTP/1.1\r\nHost: a.test\r\n\r\n";
const std::string post_line = "POST / HTTP/1.1\r\nHost: a.test\r\n";

class SmugglingTest : public testing::Test {
 protected:
  void serve(const Origin& origin) {
    proxy.route("a.test", "/", {origin.port()});
    proxy.route("b.test", "/", {origin.port()});
    proxy.start();
  }

  // The first answer to these bytes has this status, none follows, and the connection ends.
  void expect_refused(const std::string& what, const std::string& bytes, int status) {
    RawSocket client = proxy.connect();
    const RawResponse response = ask(client, bytes);
    EXPECT_EQ(response.status, status) << what;
    EXPECT_EQ(response.field("Connection"), "close") << what;
    EXPECT_TRUE(client.ends_here()) << what;
    EXPECT_FALSE(client.was_reset()) << what;
  }

  TestProxy proxy;
};

Origin::Handler unreachable() {
  return [](RawSocket& connection) { ADD_FAILURE() << "the origin was reached: " << connection.read_some(); };
}

struct Refusal {
  const char* what;
  std::string bytes;
  int status = 400;
};

TEST_F(SmugglingTest, HeadsWithTwoReadingsAreRefused) {
  const std::string chunks = chunk("x") + "0\r\n\r\n";
  const Refusal cases[] = {
      {"CL and TE", post_line + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + evil},
      {"TE and CL", post_line + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + chunk(evil) + "0\r\n\r\n"},
      {"CL 0 and TE", post_line + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + evil},
      {"two lengths", post_line + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + evil},
      {"one length twice", post_line + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx" + evil},
      {"a list of lengths", post_line + "Content-Length: 1, 1\r\n\r\nx" + evil},
      {"an empty length", post_line + "Content-Length:\r\n\r\n" + evil},
      {"a signed length", post_line + "Content-Length: +1\r\n\r\nx" + evil},
      {"a length beyond 64 bits", post_line + "Content-Length: 18446744073709551617\r\n\r\nx" + evil},
      {"chunked is not last", post_line + "Transfer-Encoding: chunked, identity\r\n\r\n" + chunks + evil},
      {"chunked twice", post_line + "Transfer-Encoding: chunked, chunked\r\n\r\n" + chunks + evil},
      {"chunked on two lines",
       post_line + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + evil},
      {"chunked beside an unknown coding", post_line + "Transfer-Encoding: x, chunked\r\n\r\n" + chunks + evil},
      {"an empty coding", post_line + "Transfer-Encoding:\r\n\r\n" + evil},
      {"an unknown coding", post_line + "Transfer-Encoding: xchunked\r\n\r\n" + chunks + evil, 501},
      {"a coding in HTTP/1.0",
       "POST / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks +
           evil},
      {"obs-fold", post_line + "X: y\r\n Content-Length: 44\r\n\r\n" + evil},
      {"a folded coding", post_line + "Transfer-Encoding:\r\n\tchunked\r\n\r\n" + chunks + evil},
      {"a fold before the first field", "GET / HTTP/1.1\r\n X: y\r\nHost: a.test\r\n\r\n" + evil},
      {"bare LF after a field", post_line + "X: y\nContent-Length: 44\r\n\r\n" + evil},
      {"bare LF after the request line", "GET / HTTP/1.1\nHost: a.test\r\n\r\n" + evil},
      {"bare LF for the empty line", "GET / HTTP/1.1\r\nHost: a.test\r\n\n" + evil},
      {"bare CR in a value", post_line + "X: y\rContent-Length: 44\r\n\r\n" + evil},
      {"bare CR for a line end", post_line + "X: y\r\r\n\r\n" + evil},
      {"bare CR in the request line", "GET /\rx HTTP/1.1\r\nHost: a.test\r\n\r\n" + evil},
      {"space before the colon", post_line + "Content-Length : 44\r\n\r\n" + evil},
      {"tab before the colon", post_line + "Transfer-Encoding\t: chunked\r\n\r\n" + chunks + evil},
      {"space in a name", post_line + "Content Length: 44\r\n\r\n" + evil},
      {"an empty name", post_line + ": x\r\nContent-Length: 44\r\n\r\n" + evil},
      {"no colon", post_line + "Content-Length\r\n\r\n" + evil},
      {"a byte over 0x7f in a name", post_line + "Content-Length\xff: 44\r\n\r\n" + evil},
      {"NUL in a name", post_line + "Content-Length\0: 44\r\n\r\n"s + evil},
      {"NUL in a value", post_line + "Content-Length: 44\0\r\n\r\n"s + evil},
      {"NUL in the target", "GET /\0 HTTP/1.1\r\nHost: a.test\r\n\r\n"s + evil},
      {"an encoded NUL in the target", "GET /%00 HTTP/1.1\r\nHost: a.test\r\n\r\n" + evil},
      {"# in the target", "GET /x#/../evil HTTP/1.1\r\nHost: a.test\r\n\r\n" + evil},
      {"space in the target", "GET /x HTTP/1.1 /evil HTTP/1.1\r\nHost: a.test\r\n\r\n" + evil},
      {"above the root", "GET /%2e%2e/evil HTTP/1.1\r\nHost: a.test\r\n\r\n" + evil},
      {"an absolute target of another host", "GET http://b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n" + evil},
      {"an absolute target with userinfo", "GET http://a.test@b.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n" + evil},
      {"no Host", "GET / HTTP/1.1\r\n\r\n" + evil},
      {"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n" + evil},
      {"two Hosts", "GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n" + evil},
      {"one Host twice", "GET / HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n" + evil},
      {"two names in Host", "GET / HTTP/1.1\r\nHost: a.test, b.test\r\n\r\n" + evil},
      {"a path in Host", "GET / HTTP/1.1\r\nHost: a.test/b.test\r\n\r\n" + evil},
      {"userinfo in Host", "GET / HTTP/1.1\r\nHost: a.test@b.test\r\n\r\n" + evil},
      {"no version", "GET /\r\n\r\n" + evil},
      {"HTTP/2 in a request line", "GET / HTTP/2.0\r\nHost: a.test\r\n\r\n" + evil, 505},
      {"the HTTP/2 preface behind an empty line", "\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + evil, 505},
  };
  Origin origin(unreachable());
  serve(origin);
  for (const Refusal& c : cases) expect_refused(c.what, c.bytes, c.status);
  EXPECT_EQ(origin.connections(), 0);
}

TEST_F(SmugglingTest, HeadsOverTheirLimitsAreRefused) {
  Origin origin(unreachable());
  proxy.options.limits.max_request_line_bytes = 100;
  proxy.options.limits.max_request_head_bytes = 500;
  proxy.options.limits.max_header_count = 4;
  serve(origin);
  std::string many = "GET / HTTP/1.1\r\nHost: a.test\r\n";
  for (int i = 0; i < 4; ++i) many += "X: y\r\n";
  std::string nominating = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: ";
  for (int i = 0; i < 33; ++i) nominating += "x" + std::to_string(i) + ",";
  expect_refused("line", "GET /" + std::string(100, 'x') + " HTTP/1.1\r\nHost: a.test\r\n\r\n" + evil, 414);
  expect_refused("head", "GET / HTTP/1.1\r\nX: " + std::string(500, 'x') + "\r\nHost: a.test\r\n\r\n" + evil, 431);
  expect_refused("count", many + "\r\n" + evil, 431);
  expect_refused("nominations", nominating + "\r\n\r\n" + evil, 400);
  EXPECT_EQ(origin.connections(), 0);
}

// The origin may have been reached before the fault came: it must not take what it has for a request.
TEST_F(SmugglingTest, ABodyWithTwoReadingsNeverBecomesComplete) {
  const struct {
    const char* what;
    std::string bytes;
  } cases[] = {
      {"bare LF after a size", "1\nx\r\n0\r\n\r\n"},
      {"bare LF after data", "1\r\nx\n0\r\n\r\n"},
      {"bare CR after a size", "1\rx\r\n0\r\n\r\n"},
      {"more data than the size", "1\r\nxy\r\n0\r\n\r\n"},
      {"a size with a sign", "+1\r\nx\r\n0\r\n\r\n"},
      {"a size with 0x", "0x1\r\nx\r\n0\r\n\r\n"},
      {"a size with an underscore", "1_0\r\nx\r\n0\r\n\r\n"},
      {"white space before a size", " 1\r\nx\r\n0\r\n\r\n"},
      {"white space behind a size", "1 \r\nx\r\n0\r\n\r\n"},
      {"no size", "\r\nx\r\n0\r\n\r\n"},
      {"a size beyond 64 bits", "10000000000000001\r\nx\r\n0\r\n\r\n"},
      {"bare LF in an extension", "1;a=b\nc\r\nx\r\n0\r\n\r\n"},
      {"bare CR in an extension", "1;a\rb\r\nx\r\n0\r\n\r\n"},
      {"NUL in an extension", "1;\0\r\nx\r\n0\r\n\r\n"s},
      {"an extension over its limit", "1;" + std::string(1025, 'a') + "\r\nx\r\n0\r\n\r\n"},
      {"bare LF for the end", "1\r\nx\r\n0\r\n\n"},
      {"a folded trailer", "0\r\nX: y\r\n z\r\n\r\n"},
      {"a trailer with a space before the colon", "0\r\nContent-Length : 4\r\n\r\n"},
      {"trailers over their limit", "0\r\nX: " + std::string(8192, 'a') + "\r\n\r\n"},
  };
  for (const bool at_once : {true, false}) {
    Origin origin([](RawSocket& connection) {
      const RawRequest request = read_request(connection);
      EXPECT_FALSE(request.complete) << request.head << request.body;
      EXPECT_TRUE(connection.ends_here());
    });
    TestProxy fresh;
    fresh.route("a.test", "/", {origin.port()});
    fresh.start();
    const std::string head = post_line + "Transfer-Encoding: chunked\r\n\r\n";
    for (const auto& c : cases) {
      RawSocket client = fresh.connect();
      const int connections = origin.connections();
      if (!at_once) {
        client.send(head + chunk("begun"));
        ASSERT_TRUE(TestProxy::eventually([&] { return origin.connections() > connections; }));
      }
      const RawResponse response = ask(client, (at_once ? head : "") + c.bytes + evil);
      EXPECT_EQ(response.status, 400) << c.what;
      EXPECT_TRUE(client.ends_here()) << c.what;
    }
  }
}

TEST_F(SmugglingTest, WhatIsPassedOnIsFramedAsItWas) {
  Asked asked;
  Origin origin(Origin::keeping(asked));
  serve(origin);
  const struct {
    const char* what;
    std::string bytes, body;
  } cases[] = {
      {"a request within a counted body",
       post_line + "Content-Length: " + std::to_string(evil.size()) + "\r\n\r\n" + evil, evil},
      {"a request within a chunk", post_line + "Transfer-Encoding: chunked\r\n\r\n" + chunk(evil) + "0\r\n\r\n", evil},
      {"chunks within a counted body", post_line + "Content-Length: 11\r\n\r\n" + chunk("x") + "0\r\n\r\n",
       chunk("x") + "0\r\n\r\n"},
      {"extensions and leading zeros",
       post_line + "Transfer-Encoding: Chunked\r\n\r\n0001;a=\"b\"\r\nx\r\n000;last\r\n\r\n", "x"},
      {"capital digits", post_line + "Transfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
      {"look-alikes of framing",
       post_line + "Content_Length: 5\r\nTransfer_Encoding: chunked\r\nX-Content-Length: 5\r\n\r\n", ""},
      {"a nominated length", post_line + "Connection: Content-Length, Host\r\nContent-Length: 4\r\n\r\nbody", "body"},
      {"a body of GET", "GET / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody", "body"},
  };
  RawSocket client = proxy.connect();
  for (const auto& c : cases) {
    const std::size_t before = asked.count();
    EXPECT_EQ(ask(client, c.bytes).body, "kept") << c.what;
    EXPECT_EQ(ask(client, "GET /mark HTTP/1.1\r\nHost: b.test\r\n\r\n").body, "kept") << c.what;
    ASSERT_EQ(asked.count(), before + 2) << c.what;
    EXPECT_EQ(asked.at(before).body, c.body) << c.what;
    EXPECT_EQ(asked.at(before).field("Host"), "a.test") << c.what;
    EXPECT_EQ(asked.at(before + 1).line(), "GET /mark HTTP/1.1") << c.what;
  }
}

TEST_F(SmugglingTest, NoTrailerBecomesAHeader) {
  Asked asked;
  Origin origin(Origin::keeping(asked));
  serve(origin);
  RawSocket client = proxy.connect();
  ask(client, post_line + "Trailer: Content-Length, X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("x") +
                  "0\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\nHost: b.test\r\nConnection: close\r\n"
                  "Authorization: Basic eDp5\r\nCookie: a=b\r\nX-Forwarded-For: 1.2.3.4\r\nX_Real_IP: 1.2.3.4\r\n"
                  "X-Forwarded-Prefix: /x\r\nUpgrade: h2c\r\nExpect: 100-continue\r\nX-Sum: 1\r\n\r\n");
  EXPECT_EQ(asked.last().trailers, "X-Sum: 1\r\n");
  EXPECT_FALSE(asked.last().has("Trailer"));
}

TEST_F(SmugglingTest, AnAnswerWithTwoReadingsIsA502AndItsConnectionIsDropped) {
  const std::string poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
  const struct {
    const char* what;
    std::string answer;
  } cases[] = {
      {"CL and TE", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n"},
      {"an empty length", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n"},
      {"chunked is not last", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"},
      {"an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"},
      {"a coding in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"obs-fold", "HTTP/1.1 200 OK\r\nX: y\r\n Content-Length: 0\r\n\r\n"},
      {"bare LF", "HTTP/1.1 200 OK\r\nX: y\nContent-Length: 0\r\n\r\n"},
      {"bare CR", "HTTP/1.1 200 OK\r\nX: y\rContent-Length: 0\r\n\r\n"},
      {"space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"},
      {"an empty name", "HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n"},
      {"NUL", "HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 0\r\n\r\n"s},
      {"no status", "HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n"},
      {"another version", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"},
      {"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n"},
  };
  std::string answer;
  Origin origin(Origin::answering(
      [&](const RawRequest& request) { return request.line().starts_with("GET /next") ? ok("next") : answer; }));
  serve(origin);
  for (const auto& c : cases) {
    answer = c.answer + poison;
    RawSocket client = proxy.connect();
    const int before = origin.connections();
    EXPECT_EQ(ask(client, get).status, 502) << c.what;
    EXPECT_EQ(ask(client, "GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n").body, "next") << c.what;
    EXPECT_GT(origin.connections(), before) << c.what;
  }
}

TEST_F(SmugglingTest, BytesBehindAnAnswerAreNobodysAnswer) {
  const std::string poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
  const struct {
    const char* what;
    std::string method, answer;
    int status;
  } cases[] = {
      {"more than counted", "GET", ok("right"), 200},
      {"more than the last chunk", "GET",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("right") + "0\r\n\r\n", 200},
      {"a body of 204", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 54\r\n\r\n", 204},
      {"a body of 304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 54\r\n\r\n", 304},
      {"a body for HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 54\r\n\r\n", 200},
  };
  std::string answer;
  Origin origin(Origin::answering([&](const RawRequest& request) {
    return request.line().find("/next") != std::string::npos ? ok("next") : answer + poison;
  }));
  serve(origin);
  for (const auto& c : cases) {
    answer = c.answer;
    RawSocket client = proxy.connect();
    EXPECT_EQ(ask(client, c.method + " / HTTP/1.1\r\nHost: a.test\r\n\r\n", c.method == "HEAD").status, c.status)
        << c.what;
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(ask(client, "GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n").body, "next") << c.what;
    }
  }
}

// An origin that speaks while nobody has asked it: the connection is closed, not asked next.
TEST_F(SmugglingTest, WhatAnIdleConnectionSaysIsNobodysAnswer) {
  std::atomic<bool> poisoned = false, ended = false;
  std::atomic<bool> first = true;
  Origin origin([&](RawSocket& connection) {
    if (!first.exchange(false)) return Origin::saying("next")(connection);
    read_request(connection);
    connection.send(ok("right"));
    EXPECT_TRUE(TestProxy::eventually([&] { return poisoned.load(); }));
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
    ended = connection.at_end();
  });
  serve(origin);
  RawSocket client = proxy.connect();
  EXPECT_EQ(ask(client, get).body, "right");
  poisoned = true;
  EXPECT_TRUE(TestProxy::eventually([&] { return ended.load(); }));
  EXPECT_EQ(ask(client, get).body, "next");
}

}  // namespace
}  // namespace fairlead

#include <gtest/gtest.h>

#include <set>

#include "tests/support/test_proxy.hpp"

// Which headers and which target an origin gets, whatever a client sent.
namespace fairlead {
namespace {

using namespace test;

class HeadersTest : public testing::Test {
 protected:
  void serve() {
    proxy.route("a.test", "/", {origin.port()});
    proxy.start();
    client = proxy.connect();
  }
  // What the origin gets for a GET with these field lines.
  RawRequest sent(const std::string& fields, const std::string& target = "/") {
    const RawResponse response = ask(client, "GET " + target + " HTTP/1.1\r\nHost: a.test\r\n" + fields + "\r\n");
    EXPECT_EQ(response.body, "kept") << target << "\n" << fields;
    return asked.last();
  }
  void trust(const char* cidr) {
    proxy.options.use_forwarded_headers = true;
    proxy.options.proxy_real_ip_cidr = {*Cidr::parse(cidr)};
  }

  Asked asked;
  Origin origin{Origin::keeping(asked)};
  TestProxy proxy;
  RawSocket client;
};

// How many lines of that name there are, ignoring case.
int lines_of(const RawRequest& request, std::string name) {
  const auto lower = [](std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
  };
  const std::string head = lower(request.head);
  name = "\r\n" + lower(std::move(name)) + ":";
  int count = 0;
  for (std::size_t at = 0; (at = head.find(name, at)) != std::string::npos; ++at) ++count;
  return count;
}

TEST_F(HeadersTest, APlainRequestGetsOurHeadersOnce) {
  serve();
  const std::string port = std::to_string(proxy.http_port());
  const RawRequest request = sent("Accept: x\r\n");
  EXPECT_EQ(request.head,
            "GET / HTTP/1.1\r\nHost: a.test\r\nAccept: x\r\nX-Request-ID: " + request.field("X-Request-ID") +
                "\r\nX-Real-IP: 127.0.0.1\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: a.test\r\n"
                "X-Forwarded-Port: " +
                port + "\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Scheme: http\r\nX-Scheme: http");
}

TEST_F(HeadersTest, HostPassesAsItWasSent) {
  serve();
  ask(client, "GET / HTTP/1.1\r\nhost: A.TEST.:8080\r\n\r\n");
  EXPECT_EQ(asked.last().field("Host"), "A.TEST.:8080");
  EXPECT_EQ(asked.last().field("X-Forwarded-Host"), "A.TEST.:8080");
  EXPECT_EQ(lines_of(asked.last(), "Host"), 1);
}

TEST_F(HeadersTest, OtherHeadersPassUnchangedAndInOrder) {
  serve();
  const std::string fields =
      "Cookie: a=b\r\nX-Odd:  \t two  words \t\r\nx-lower: \xc3\xa4\xff\r\nCookie: c=d\r\nX-Empty:\r\n";
  EXPECT_NE(sent(fields).head.find("\r\n" + fields + "X-Request-ID"), std::string::npos) << asked.last().head;
}

TEST_F(HeadersTest, WhatBelongsToTheConnectionIsNotForwarded) {
  serve();
  const RawRequest request = sent(
      "Connection: keep-alive, X-Secret ,, x-MORE\r\nX-Secret: 1\r\nX-More: 2\r\nX-More: 3\r\nKeep-Alive: timeout=5\r\n"
      "Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eDp5\r\nProxy-Authenticate: x\r\nTE: trailers\r\n"
      "Trailer: X\r\nUpgrade: websocket\r\nConnection: X-Third\r\nX-Third: 4\r\nX-Stays: 5\r\n");
  for (const char* name : {"Connection", "X-Secret", "X-More", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization",
                           "Proxy-Authenticate", "TE", "Trailer", "Upgrade", "X-Third"}) {
    EXPECT_FALSE(request.has(name)) << name;
  }
  EXPECT_EQ(request.field("X-Stays"), "5");
}

TEST_F(HeadersTest, WhatBelongsToTheOriginsConnectionIsNotForwarded) {
  Origin other(Origin::answering([](const RawRequest&) {
    return ok("",
              "Connection: X-Secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\n"
              "Proxy-Authenticate: x\r\nTrailer: X\r\nUpgrade: h2c\r\nSet-Cookie: a=b\r\nX-Stays: 5\r\n"
              "Set-Cookie: c=d\r\n");
  }));
  proxy.route("a.test", "/", {other.port()});
  proxy.start();
  const RawResponse response = proxy.get("a.test");
  const std::size_t date = response.head.find("\r\nDate: ");
  ASSERT_NE(date, std::string::npos);
  EXPECT_EQ(response.head.substr(0, date),
            "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nX-Stays: 5\r\nSet-Cookie: c=d\r\nContent-Length: 0");
}

// The client's nominations apply to what it sent, before ours are added.
TEST_F(HeadersTest, ConnectionCannotRemoveOurHeaders) {
  serve();
  const RawRequest request = sent(
      "Connection: X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Port, X-Forwarded-Proto, X-Forwarded-Scheme, "
      "X-Scheme, X-Real-IP, X-Request-ID, Host, X-Original-Forwarded-For, close\r\nX-Forwarded-For: 1.2.3.4\r\n");
  EXPECT_EQ(request.field("Host"), "a.test");
  EXPECT_EQ(request.field("X-Forwarded-For"), "127.0.0.1");
  EXPECT_EQ(request.field("X-Real-IP"), "127.0.0.1");
  EXPECT_EQ(request.field("X-Original-Forwarded-For"), "1.2.3.4");
  for (const char* name : {"X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-Scheme",
                           "X-Scheme", "X-Request-ID"}) {
    EXPECT_EQ(lines_of(request, name), 1) << name;
  }
}

TEST_F(HeadersTest, ASaneRequestIdIsKeptAndAnotherIsReplaced) {
  serve();
  EXPECT_EQ(sent("X-Request-ID: abc-1.2:3\r\n").field("X-Request-ID"), "abc-1.2:3");
  std::set<std::string> made;
  for (const std::string& odd :
       {std::string(), std::string("X-Request-ID:\r\n"), std::string("X-Request-ID: a b\r\n"),
        std::string("X-Request-ID: \"><script>\r\n"), "X-Request-ID: " + std::string(200, 'a') + "\r\n"}) {
    const RawRequest request = sent(odd);
    EXPECT_EQ(lines_of(request, "X-Request-ID"), 1) << odd;
    const std::string id = request.field("X-Request-ID");
    EXPECT_EQ(id.size(), 32u) << odd;
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos) << odd;
    made.insert(id);
  }
  EXPECT_EQ(made.size(), 5u) << "each is new";
}

const std::string claims =
    "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 9.9.9.9, 127.0.0.7\r\nX-Real-IP: 10.0.0.1\r\nX-Forwarded-Host: "
    "evil\r\n"
    "X-Forwarded-Port: 1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Scheme: https\r\nX-Scheme: https\r\n"
    "X-Forwarded-Prefix: /evil\r\nX-Forwarded-Server: evil\r\nForwarded: for=10.0.0.1\r\n"
    "X-Original-Forwarded-For: forged\r\nX-Original-Forwarded-Host: forged\r\n";

void expect_replaced(const RawRequest& request, std::uint16_t port) {
  EXPECT_EQ(request.field("X-Forwarded-For"), "127.0.0.1");
  EXPECT_EQ(request.field("X-Real-IP"), "127.0.0.1");
  EXPECT_EQ(request.field("X-Forwarded-Host"), "a.test");
  EXPECT_EQ(request.field("X-Forwarded-Port"), std::to_string(port));
  for (const char* name : {"X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Scheme"}) {
    EXPECT_EQ(request.field(name), "http") << name;
  }
  for (const char* name : {"X-Forwarded-For", "X-Real-IP", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto",
                           "X-Forwarded-Scheme", "X-Scheme"}) {
    EXPECT_EQ(lines_of(request, name), 1) << name;
  }
  for (const char* name : {"X-Forwarded-Prefix", "X-Forwarded-Server", "Forwarded"}) {
    EXPECT_FALSE(request.has(name)) << name;
  }
}

TEST_F(HeadersTest, ClaimsAreReplacedAndTheOriginalsShown) {
  serve();
  const RawRequest request = sent(claims);
  expect_replaced(request, proxy.http_port());
  EXPECT_NE(request.head.find("\r\nX-Original-Forwarded-For: 10.0.0.1\r\nX-Original-Forwarded-For: 9.9.9.9, 127.0.0.7"),
            std::string::npos);
  EXPECT_EQ(request.field("X-Original-Forwarded-Host"), "evil");
  EXPECT_EQ(request.head.find("forged"), std::string::npos);
}

TEST_F(HeadersTest, ClaimsOfAPeerOutsideTheTrustedRangesAreReplaced) {
  trust("10.0.0.0/8");
  serve();
  expect_replaced(sent(claims), proxy.http_port());
}

TEST_F(HeadersTest, TrustNeedsRanges) {
  proxy.options.use_forwarded_headers = true;
  proxy.options.proxy_real_ip_cidr.clear();
  serve();
  expect_replaced(sent(claims), proxy.http_port());
}

TEST_F(HeadersTest, ClaimsOfATrustedPeerAreBelieved) {
  trust("127.0.0.0/8");
  serve();
  const RawRequest request = sent(claims);
  EXPECT_EQ(request.field("X-Forwarded-For"), "9.9.9.9") << "the right-most that is not trusted itself";
  EXPECT_EQ(request.field("X-Real-IP"), "9.9.9.9");
  EXPECT_EQ(request.field("X-Forwarded-Host"), "evil");
  EXPECT_EQ(request.field("X-Forwarded-Port"), "1");
  for (const char* name : {"X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Scheme"}) {
    EXPECT_EQ(request.field(name), "https") << name;
    EXPECT_EQ(lines_of(request, name), 1) << name;
  }
  EXPECT_EQ(request.field("X-Forwarded-Prefix"), "/evil");
  EXPECT_EQ(request.field("Forwarded"), "for=10.0.0.1");
  EXPECT_EQ(request.field("Host"), "a.test") << "routing is by Host";
  EXPECT_EQ(sent("").field("X-Forwarded-For"), "127.0.0.1") << "without a claim it is the peer";
}

// Many servers read X_Real_IP and X-Real-IP as one variable.
TEST_F(HeadersTest, NamesWithUnderscoresAreNotForwarded) {
  trust("127.0.0.0/8");
  serve();
  const RawRequest request = sent(
      "X_Forwarded_For: 10.0.0.1\r\nx-real_ip: 10.0.0.1\r\nX_FORWARDED_PROTO: https\r\nX_Request_ID: forged\r\n"
      "Content_Length: 5\r\nTransfer_Encoding: chunked\r\nAny_Thing: 1\r\n_: 1\r\nX-Stays: a_b\r\n");
  EXPECT_EQ(request.field("X-Forwarded-For"), "127.0.0.1");
  EXPECT_EQ(request.field("X-Forwarded-Proto"), "http");
  EXPECT_EQ(request.field("X-Stays"), "a_b");
  std::string names = request.head.substr(0, request.head.find("X-Stays"));
  EXPECT_EQ(names.find('_'), std::string::npos) << request.head;
  EXPECT_EQ(request.head.find("forged"), std::string::npos);
}

TEST_F(HeadersTest, ProxyIsNeverForwarded) {
  serve();
  EXPECT_FALSE(sent("Proxy: http://evil.test/\r\nPROXY: x\r\n").has("Proxy"));
}

TEST_F(HeadersTest, TheTargetIsForwardedAsSentUnlessDotsHadToBeResolved) {
  serve();
  const struct {
    const char *received, *forwarded;
  } cases[] = {
      {"/", "/"},
      {"/a%20b//c%2Fd;e=f/%7Eg?x=%2F&y", "/a%20b//c%2Fd;e=f/%7Eg?x=%2F&y"},
      {"/?", "/?"},
      {"/a?b?c//../d", "/a?b?c//../d"},
      {"/%61/%C3%A4", "/%61/%C3%A4"},
      {"/a/./b", "/a/b"},
      {"/a/../b?c=../d", "/b?c=../d"},
      {"/a/%2e%2E/b%20c", "/b%20c"},
      {"/a/b/..", "/a/"},
      {"/x/../a%2Fb", "/a/b"},
      {"/x%0d%0aEvil:%20y/../z%0d%0a", "/z%0D%0A"},
      {"/a%0d%0aEvil:%20y", "/a%0d%0aEvil:%20y"},
      {"/%252e%252e/a", "/%252e%252e/a"},
      {"/.../a", "/.../a"},
      {"/.well-known/x", "/.well-known/x"},
  };
  for (const auto& c : cases) EXPECT_EQ(sent("", c.received).line(), std::string("GET ") + c.forwarded + " HTTP/1.1");
}

TEST_F(HeadersTest, OneNormalFormDecidesWhereARequestGoes) {
  Origin guarded(Origin::saying("guarded"));
  proxy.route("a.test", "/admin", {guarded.port()});
  serve();
  for (const std::string target :
       {"/admin", "/admin/", "/admin/x?y", "//admin", "/./admin", "/%61dmin", "/a/../admin", "/a/%2e%2e/admin",
        "/a/%2E./admin", "/admin%2Fx", "/%2Fadmin", "/a//../admin", "http://a.test/a/../admin"}) {
    EXPECT_EQ(ask(client, "GET " + target + " HTTP/1.1\r\nHost: a.test\r\n\r\n").body, "guarded") << target;
  }
  for (const std::string target : {"/Admin", "/admins", "/a/admin", "/%2561dmin", "/admin/..", "/?/admin"}) {
    EXPECT_EQ(ask(client, "GET " + target + " HTTP/1.1\r\nHost: a.test\r\n\r\n").body, "kept") << target;
  }
  for (const std::string target : {"/a%2f..%2fadmin", "/%2e%2e%2fadmin", "/../admin", "/%", "/%zz", "/a%00",
                                   "/a#/admin", "admin", "/a\\\x7f", "/\xc3\xa4"}) {
    RawSocket other = proxy.connect();
    EXPECT_EQ(ask(other, "GET " + target + " HTTP/1.1\r\nHost: a.test\r\n\r\n").status, 400) << target;
  }
}

}  // namespace
}  // namespace fairlead

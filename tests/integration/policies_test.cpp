#include <gmock/gmock.h>
#include <sys/socket.h>

#include <future>
#include <thread>

#include "tests/integration/manifest_proxy.hpp"
#include "tests/support/tls_socket.hpp"
#include "tests/tls/memory_pair.hpp"

namespace fairlead {
namespace {

using namespace test;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class Policies : public ManifestProxy {
 protected:
  static std::string secret_yaml(const std::string& name, const std::string& host) {
    const TestCertificate made = make_certificate({host}, {.common_name = host});
    return "kind: Secret\nmetadata: {name: " + name + ", namespace: shop}\ntype: kubernetes.io/tls\nstringData:\n" +
           "  tls.crt: " + quoted(made.certificate_pem) + "\n  tls.key: " + quoted(made.key_pem) + "\n";
  }

  RawResponse get_over_tls(const std::string& target = "/", const std::string& host = "a.test") {
    TlsSocket socket(RawSocket::connect(proxy.https_port()), client.connect(host.c_str()));
    socket.send("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    return read_response(socket);
  }

  RawResponse send(const std::string& bytes) {
    RawSocket socket = proxy.connect();
    socket.send(bytes);
    return read_response(socket);
  }

  RawResponse preflight(const std::string& origin) {
    return send("OPTIONS / HTTP/1.1\r\nHost: a.test\r\nOrigin: " + origin +
                "\r\nAccess-Control-Request-Method: PUT\r\n\r\n");
  }

  TestClient client;
};

TEST_F(Policies, SslRedirectSendsHostsWithTlsToHttps) {
  apply(secret_yaml("cert", "a.test"));
  apply(yaml({.name = "plain", .host = "plain.test"}));
  serve({.secret = "cert"});
  EXPECT_EQ(redirect("/x?y=1"), "308 https://a.test/x?y=1");
  EXPECT_EQ(redirect("/x/"), "308 https://a.test/x") << "as ingress-nginx does it";
  EXPECT_EQ(echo.connections(), 0);
  EXPECT_EQ(get_over_tls().status, 200);
  EXPECT_EQ(seen("/", "plain.test"), "GET / HTTP/1.1");
}

TEST_F(Policies, SslRedirectComesWithATlsSectionWhoseSecretIsMissing) {
  serve({.secret = "missing"});
  EXPECT_EQ(redirect("/"), "308 https://a.test");
  EXPECT_EQ(get_over_tls().status, 200) << "with the default certificate";
}

TEST_F(Policies, SslRedirectCanBeSwitchedOffAndLeavesCertificateIssuersAlone) {
  serve({.annotations = {{"ssl-redirect", "false"}}, .secret = "missing"});
  EXPECT_EQ(seen("/"), "GET / HTTP/1.1");
  serve({.secret = "missing"});
  EXPECT_EQ(status("/.well-known/acme-challenge/token"), 308) << "a path of one's own is not opened";
  serve({.name = "solver", .paths = {"Exact /.well-known/acme-challenge/token"}});
  EXPECT_EQ(seen("/.well-known/acme-challenge/token"), "GET /.well-known/acme-challenge/token HTTP/1.1");
}

TEST_F(Policies, ForceSslRedirectNeedsNoTlsSection) {
  proxy.options.use_forwarded_headers = true;
  proxy.options.proxy_real_ip_cidr = {*Cidr::parse("127.0.0.0/8")};
  serve({.annotations = {{"force-ssl-redirect", "true"}}});
  EXPECT_EQ(redirect("/x"), "308 https://a.test/x");
  EXPECT_EQ(status("/x", "X-Forwarded-Proto: https\r\n"), 200) << "TLS ended at the load balancer";
  EXPECT_EQ(get_over_tls("/x").status, 200);
}

TEST_F(Policies, ForwardedHeadersOfStrangersDoNotPassForHttps) {
  serve({.annotations = {{"force-ssl-redirect", "true"}}});
  EXPECT_EQ(status("/x", "X-Forwarded-Proto: https\r\n"), 308);
}

TEST_F(Policies, RewriteTargetFillsInTheGroups) {
  serve({.annotations = {{"rewrite-target", "/$2"}}, .paths = {"ImplementationSpecific /api(/|$)(.*)"}});
  EXPECT_EQ(seen("/api/users/7?id=1&x=%2F"), "GET /users/7?id=1&x=%2F HTTP/1.1");
  EXPECT_EQ(seen("/api"), "GET / HTTP/1.1");
  EXPECT_EQ(seen("/API/Users"), "GET /Users HTTP/1.1") << "without regard to case";
  EXPECT_EQ(seen("/api/a%20b"), "GET /a%20b HTTP/1.1") << "escaped again";
  EXPECT_EQ(status("/other"), 404);
}

TEST_F(Policies, WithoutARewriteTheTargetIsForwardedAsItCame) {
  serve({});
  EXPECT_EQ(seen("/a%20b/%7Euser?q=%20"), "GET /a%20b/%7Euser?q=%20 HTTP/1.1");
}

TEST_F(Policies, RegexesOfOneIngressTurnAllPathsOfTheHost) {
  apply(yaml({.name = "plain", .paths = {"Prefix /foo"}}));
  serve({.name = "other-host", .host = "b.test", .paths = {"Prefix /foo"}});
  EXPECT_EQ(status("/foobar"), 404);
  EXPECT_EQ(status("/FOO"), 404);
  serve({.annotations = {{"use-regex", "true"}}, .name = "regex", .paths = {"ImplementationSpecific /item/[0-9]+$"}});
  EXPECT_EQ(seen("/item/42"), "GET /item/42 HTTP/1.1");
  EXPECT_EQ(status("/item/x"), 404);
  EXPECT_EQ(seen("/foobar"), "GET /foobar HTTP/1.1") << "the boundary at '/' is gone";
  EXPECT_EQ(seen("/FOO/x"), "GET /FOO/x HTTP/1.1");
  EXPECT_EQ(proxy.get("b.test", "/foobar").status, 404) << "other hosts are not touched";
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].object.name, "plain");
  EXPECT_THAT(problems[0].message, HasSubstr("shop/regex has use-regex or rewrite-target"));
}

TEST_F(Policies, ProxyBodySizeIsHeldAtTheByte) {
  serve({.annotations = {{"proxy-body-size", "1k"}}});
  const auto post = [&](std::size_t size) {
    return send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
                std::string(size, 'x'));
  };
  const auto post_chunked = [&](std::size_t size) {
    std::string chunks;
    for (std::size_t i = 0; i < size; ++i) chunks += "1\r\nx\r\n";
    return send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + "0\r\n\r\n");
  };
  EXPECT_EQ(post(1024).status, 200);
  EXPECT_EQ(post_chunked(1024).status, 200);
  EXPECT_EQ(post(1025).status, 413);
  EXPECT_EQ(post_chunked(1025).status, 413);
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits("proxy_body_size") == 2; }));
}

TEST_F(Policies, ProxyBodySizeIsAMegabyteUnlessItSaysOtherwise) {
  const auto declare = [&](std::size_t size) {
    RawSocket socket = proxy.connect();
    socket.send("POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: " + std::to_string(size) +
                "\r\n\r\n");
    return read_response(socket).status;
  };
  Origin hasty([](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    connection.send("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    connection.at_end();
  });
  apply(service_yaml("hasty", {hasty.port()}));
  serve({.service = "hasty"});
  EXPECT_EQ(declare(1024 * 1024 + 1), 413);
  EXPECT_EQ(declare(1024 * 1024), 202);
  serve({.annotations = {{"proxy-body-size", "0"}}, .service = "hasty"});
  EXPECT_EQ(declare(1ull << 40), 202);
}

TEST_F(Policies, ProxyReadTimeoutEndsTheWait) {
  Origin silent([](RawSocket& connection) { connection.at_end(); });
  apply(service_yaml("silent", {silent.port()}));
  serve({.annotations = {{"proxy-read-timeout", "1"}, {"proxy-next-upstream-tries", "1"}}, .service = "silent"});
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(status(), 504);
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(900));
}

TEST_F(Policies, ProxyConnectTimeoutAlsoCoversTheHandshake) {
  Origin silent([](RawSocket& connection) { connection.at_end(); });
  apply(service_yaml("silent", {silent.port()}));
  serve({.annotations = {{"proxy-connect-timeout", "1"},
                         {"proxy-next-upstream-tries", "1"},
                         {"backend-protocol", "HTTPS"}},
         .service = "silent"});
  EXPECT_EQ(status(), 504);
}

TEST_F(Policies, ProxySendTimeoutEndsWaitingForAServiceThatTakesNothing) {
  std::promise<void> answered;
  Origin full([&](RawSocket& connection) {
    const int small = 4096;
    ::setsockopt(connection.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    answered.get_future().wait_for(RawSocket::patience);
  });
  apply(service_yaml("full", {full.port()}));
  serve({.annotations = {{"proxy-send-timeout", "1"}, {"proxy-body-size", "0"}}, .service = "full"});
  RawSocket socket = proxy.connect();
  std::thread sender([&] {
    socket.send("PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000000\r\n\r\n");
    const std::string piece(1024 * 1024, 'x');
    while (socket.send(piece)) {
    }
  });
  EXPECT_EQ(read_response(socket).status, 504);
  answered.set_value();
  ::shutdown(socket.fd(), SHUT_RDWR);
  sender.join();
}

TEST_F(Policies, CorsAnswersPreflightsAndMarksResponses) {
  serve({.annotations = {{"enable-cors", "true"}, {"cors-allow-origin", "https://*.app.test, https://b.test:8443"}}});
  const RawResponse asked = preflight("https://x.app.test");
  EXPECT_EQ(asked.status, 204);
  EXPECT_EQ(asked.field("Access-Control-Allow-Origin"), "https://x.app.test");
  EXPECT_EQ(asked.field("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(asked.field("Access-Control-Allow-Methods"), "GET, PUT, POST, DELETE, PATCH, OPTIONS");
  EXPECT_EQ(asked.field("Access-Control-Max-Age"), "1728000");
  EXPECT_EQ(echo.connections(), 0);
  const RawResponse got = proxy.get("a.test", "/", "Origin: https://b.test:8443\r\n");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.field("Access-Control-Allow-Origin"), "https://b.test:8443");
  EXPECT_EQ(got.head.find("the-service.test"), std::string::npos) << "the service's own is replaced";
}

TEST_F(Policies, CorsLeavesOtherOriginsToTheService) {
  serve({.annotations = {{"enable-cors", "true"}, {"cors-allow-origin", "https://app.test"}}});
  const RawResponse asked = preflight("https://evil.test");
  EXPECT_EQ(asked.status, 200);
  EXPECT_THAT(asked.body, HasSubstr("OPTIONS / HTTP/1.1"));
  EXPECT_EQ(asked.field("Access-Control-Allow-Origin"), "https://the-service.test");
  EXPECT_FALSE(asked.has("Access-Control-Allow-Methods"));
}

TEST_F(Policies, RedirectsAnswerInPlaceOfTheService) {
  serve({.annotations = {{"permanent-redirect", "https://new.test/here"}}});
  EXPECT_EQ(redirect("/x?y"), "301 https://new.test/here");
  serve({.annotations = {{"permanent-redirect", "https://new.test/here"}, {"permanent-redirect-code", "308"}}});
  EXPECT_EQ(redirect("/"), "308 https://new.test/here");
  serve({.annotations = {{"permanent-redirect", "https://new.test/"}, {"temporal-redirect", "https://now.test/"}}});
  EXPECT_EQ(redirect("/"), "302 https://now.test/");
  EXPECT_EQ(echo.connections(), 0);
}

TEST_F(Policies, AnIngressThatGetsABadRedirectKeepsItsLastGoodVersion) {
  serve({.annotations = {{"permanent-redirect", "https://new.test/"}}});
  serve({.annotations = {{"permanent-redirect", "ftp://$host/"}}});
  EXPECT_EQ(redirect("/"), "301 https://new.test/");
  EXPECT_THAT(problems, Contains(Field(&Problem::field, HasSubstr("permanent-redirect"))));
}

TEST_F(Policies, AppRootIsForTheRootOnly) {
  serve({.annotations = {{"app-root", "/app"}}});
  EXPECT_EQ(redirect("/"), "302 http://a.test/app");
  EXPECT_EQ(redirect("/", "a.test:8080"), "302 http://a.test:8080/app");
  EXPECT_EQ(seen("/x"), "GET /x HTTP/1.1");
  EXPECT_EQ(get_over_tls("/").field("Location"), "https://a.test/app");
}

TEST_F(Policies, BackendProtocolHttpsSpeaksTls) {
  const SslCtxPtr context = tls_server_context(make_certificate({"unverified.test"}));
  Origin secure(over_tls(context.get(), Origin::saying("over TLS")));
  apply(service_yaml("secure", {secure.port()}));
  serve({.annotations = {{"backend-protocol", "https"}}, .service = "secure"});
  EXPECT_EQ(proxy.get("a.test").body, "over TLS");
}

TEST_F(Policies, ResponseHeadersAreSetAddedAndRemoved) {
  serve({.annotations = {
             {"response-headers", "X-Frame-Options: DENY\n+Set-Cookie: a=1\n+Set-Cookie: b=2\n-X-Served-By\n"}}});
  const RawResponse response = proxy.get("a.test");
  EXPECT_EQ(response.field("X-Frame-Options"), "DENY");
  EXPECT_THAT(response.head, HasSubstr("Set-Cookie: a=1\r\nSet-Cookie: b=2"));
  EXPECT_FALSE(response.has("X-Served-By"));
}

TEST_F(Policies, HstsIsSaidOverTlsOnly) {
  serve({});
  EXPECT_FALSE(proxy.get("a.test").has("Strict-Transport-Security"));
  EXPECT_EQ(get_over_tls().field("Strict-Transport-Security"), "max-age=31536000; includeSubDomains");
  EXPECT_EQ(get_over_tls("/", "unknown.test").status, 404);
}

TEST_F(Policies, UnknownAnnotationsAreProblemsAndHarmNothing) {
  serve({.annotations = {{"rewrite-targt", "/x"}, {"limit-rps", "5"}}});
  EXPECT_EQ(seen("/"), "GET / HTTP/1.1");
  EXPECT_THAT(problems, UnorderedElementsAre(Field(&Problem::message, HasSubstr("did you mean \"rewrite-target\"")),
                                             Field(&Problem::message, HasSubstr("not supported by Fairlead yet"))));
}

}  // namespace
}  // namespace fairlead

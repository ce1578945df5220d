#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/integration/manifest_proxy.hpp"

namespace fairlead {
namespace {

using namespace test;

// To ::1. Not open() when this machine has no IPv6.
RawSocket connect_over_ipv6(std::uint16_t port) {
  const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(port);
  to.sin6_addr = in6addr_loopback;
  if (fd < 0) return {};
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return RawSocket(fd);
  ::close(fd);
  return {};
}

class AccessPolicies : public ManifestProxy {
 protected:
  int status_of(RawSocket socket, const std::string& before = "", const std::string& method = "GET") {
    socket.send(before + method + " / HTTP/1.1\r\nHost: a.test\r\nOrigin: https://app.test\r\n\r\n");
    return read_response(socket).status;
  }

  void use_proxy_protocol() {
    proxy.options.use_proxy_protocol = true;
    proxy.options.proxy_real_ip_cidr = {*Cidr::parse("127.0.0.0/8")};
  }
};

TEST_F(AccessPolicies, TheAllowlistLetsItsNetworksIn) {
  serve({.annotations = {{"allowlist-source-range", "10.0.0.0/8, 127.0.0.0/8"}}});
  EXPECT_EQ(status(), 200);
  serve({.annotations = {{"whitelist-source-range", "10.0.0.0/8"}}});
  EXPECT_EQ(status(), 403);
  EXPECT_EQ(status("/", "X-Forwarded-For: 10.0.0.1\r\nX-Real-IP: 10.0.0.1\r\n"), 403) << "anybody could say so";
  EXPECT_EQ(echo.connections(), 1);
}

TEST_F(AccessPolicies, TheAllowlistKnowsClientsOfListenersForBothFamilies) {
  proxy.options.bind_addresses = {};
  serve({.annotations = {{"allowlist-source-range", "127.0.0.0/8"}}});
  EXPECT_EQ(status(), 200) << "an IPv4 client of an IPv6 socket";
  if (!connect_over_ipv6(proxy.http_port()).open()) GTEST_SKIP() << "this machine has no IPv6";
  EXPECT_EQ(status_of(connect_over_ipv6(proxy.http_port())), 403);
  serve({.annotations = {{"allowlist-source-range", "::1"}}});
  EXPECT_EQ(status_of(connect_over_ipv6(proxy.http_port())), 200);
  EXPECT_EQ(status(), 403);
}

TEST_F(AccessPolicies, TheAllowlistJudgesByTheProxyHeader) {
  use_proxy_protocol();
  serve({.annotations = {{"allowlist-source-range", "192.0.2.0/24,2001:db8::/32"}}});
  EXPECT_EQ(status_of(proxy.connect(), "PROXY TCP4 192.0.2.7 198.51.100.2 40000 80\r\n"), 200);
  EXPECT_EQ(status_of(proxy.connect(), "PROXY TCP6 2001:db8::7 2001:db8::1 40000 80\r\n"), 200);
  EXPECT_EQ(status_of(proxy.connect(), "PROXY TCP4 192.0.3.7 198.51.100.2 40000 80\r\n"), 403);
  EXPECT_EQ(status_of(proxy.connect(), "PROXY TCP6 2001:db9::7 2001:db8::1 40000 80\r\n"), 403);
  EXPECT_EQ(status_of(proxy.connect(), "PROXY UNKNOWN\r\n"), 403);
}

TEST_F(AccessPolicies, TheAllowlistJudgesByTrustedForwardedHeaders) {
  proxy.options.use_forwarded_headers = true;
  proxy.options.proxy_real_ip_cidr = {*Cidr::parse("127.0.0.0/8")};
  serve({.annotations = {{"allowlist-source-range", "192.0.2.0/24"}}});
  EXPECT_EQ(status("/", "X-Forwarded-For: 192.0.2.7\r\n"), 200);
  EXPECT_EQ(status("/", "X-Forwarded-For: 192.0.2.7, 203.0.113.9\r\n"), 403) << "the right-most one counts";
  EXPECT_EQ(status("/", "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 192.0.2.7\r\n"), 200);
  EXPECT_EQ(status(), 403);
}

TEST_F(AccessPolicies, AnUnusableAllowlistLetsNobodyIn) {
  serve({.annotations = {{"allowlist-source-range", "10.0.0.0/8, everybody"}}});
  EXPECT_EQ(status(), 503);
  EXPECT_EQ(echo.connections(), 0);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].severity, Severity::error);
}

TEST_F(AccessPolicies, UnmatchedPathsAreGuardedLikeTheirHost) {
  serve({.annotations = {{"allowlist-source-range", "10.0.0.0/8"}}, .paths = {"Prefix /only"}});
  EXPECT_EQ(status("/only"), 403);
  EXPECT_EQ(status("/other"), 403) << "contract 2.4.10";
}

// Contract 2.4.11: app-root, then redirects and preflights, then TLS and missing endpoints, then access.
class StageOrder : public AccessPolicies {
 protected:
  static constexpr const char* nobody = "10.0.0.0/8";
};

TEST_F(StageOrder, AppRootComesFirst) {
  serve({.annotations = {{"app-root", "/app"},
                         {"permanent-redirect", "https://new.test/"},
                         {"enable-cors", "true"},
                         {"allowlist-source-range", nobody}},
         .secret = "missing"});
  EXPECT_EQ(redirect("/"), "302 http://a.test/app");
  EXPECT_EQ(status_of(proxy.connect(), "", "OPTIONS"), 302);
  EXPECT_EQ(redirect("/x"), "301 https://new.test/");
}

TEST_F(StageOrder, PreflightsComeBeforeRedirects) {
  serve({.annotations = {{"permanent-redirect", "https://new.test/"}, {"enable-cors", "true"}}, .secret = "missing"});
  EXPECT_EQ(status_of(proxy.connect(), "", "OPTIONS"), 204);
  EXPECT_EQ(status_of(proxy.connect(), "", "GET"), 301);
}

TEST_F(StageOrder, RedirectsAndPreflightsAreNotGuarded) {
  serve({.annotations = {{"permanent-redirect", "https://new.test/"}, {"allowlist-source-range", nobody}}});
  EXPECT_EQ(redirect("/"), "301 https://new.test/");
  serve({.annotations = {{"enable-cors", "true"}, {"allowlist-source-range", nobody}}});
  EXPECT_EQ(status_of(proxy.connect(), "", "OPTIONS"), 204);
  EXPECT_EQ(status_of(proxy.connect(), "", "GET"), 403);
}

TEST_F(StageOrder, HttpsIsDemandedBeforeAccessIsJudged) {
  serve({.annotations = {{"allowlist-source-range", nobody}}, .secret = "missing"});
  EXPECT_EQ(redirect("/"), "308 https://a.test");
}

TEST_F(StageOrder, RedirectsComeBeforeMissingEndpoints) {
  apply(service_yaml("empty", {}));
  serve({.annotations = {{"permanent-redirect", "https://new.test/"}}, .service = "empty"});
  EXPECT_EQ(redirect("/"), "301 https://new.test/");
  serve({.service = "empty", .secret = "missing"});
  EXPECT_EQ(redirect("/"), "308 https://a.test");
}

TEST_F(StageOrder, MissingEndpointsAreToldBeforeAccessIsJudged) {
  apply(service_yaml("empty", {}));
  serve({.annotations = {{"allowlist-source-range", nobody}}, .service = "empty"});
  EXPECT_EQ(status(), 503);
}

TEST_F(StageOrder, AccessIsJudgedBeforeTheRewrite) {
  serve({.annotations = {{"rewrite-target", "/$1"}, {"allowlist-source-range", nobody}},
         .paths = {"ImplementationSpecific /api/(.*)"}});
  EXPECT_EQ(status("/api/x"), 403);
}

TEST_F(StageOrder, ResponseHeadersAreThereOnOurOwnResponses) {
  serve({.annotations = {{"response-headers", "X-Marked: yes"}, {"allowlist-source-range", nobody}}});
  const RawResponse response = proxy.get("a.test");
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.field("X-Marked"), "yes");
}

}  // namespace
}  // namespace fairlead

#include <optional>

#include "tests/support/temporary_folder.hpp"
#include "tests/support/test_certificates.hpp"
#include "tests/support/tls_front.hpp"
#include "tests/watcher/api_source_fixture.hpp"

namespace fairlead {
namespace {

using testing::HasSubstr;
using testing::Not;

// Who the source is to the server, and the server to it, as a kubeconfig says.
struct ApiSourceIdentity : ApiSourceTest {
  ApiSourceIdentity() { options.address.apiserver_host.clear(); }

  // cluster and user: the lines below these members.
  void configure(const std::string& cluster, const std::string& user) {
    options.address.kubeconfig = folder
                                     .write("kubeconfig",
                                            "apiVersion: v1\n"
                                            "kind: Config\n"
                                            "current-context: test\n"
                                            "contexts: [{name: test, context: {cluster: fake, user: watcher}}]\n"
                                            "clusters:\n"
                                            "- name: fake\n"
                                            "  cluster: {" +
                                                cluster +
                                                "}\n"
                                                "users:\n"
                                                "- name: watcher\n"
                                                "  user: {" +
                                                user + "}\n")
                                     .string();
  }
  std::string in_clear_text() const { return "server: " + server.url(); }

  // A server behind TLS whose certificate is for kube.test.
  void use_tls(const std::string& client_authority = "", std::uint16_t port = 0) {
    TestCertificateOptions signed_by_authority;
    signed_by_authority.issuer = &authority;
    front.emplace(server.port(), make_certificate({"kube.test"}, signed_by_authority), client_authority, port);
    folder.write("pki/ca.crt", authority.certificate_pem);
    folder.write("pki/other.crt", make_certificate({}, {.common_name = "Other CA", .is_ca = true}).certificate_pem);
  }
  std::string over_tls(const std::string& more) const {
    return "server: \"https://127.0.0.1:" + std::to_string(front->port()) + "\", " + more;
  }

  test::TemporaryFolder folder;
  const TestCertificate authority = make_certificate({}, {.common_name = "Test CA", .is_ca = true});
  std::optional<test::TlsFront> front;
};

TEST_F(ApiSourceIdentity, PresentsItsToken) {
  server.require_token("s3same");
  configure(in_clear_text(), "token: s3same");
  listen();
  EXPECT_EQ(last("ingresses", false).authorization, "Bearer s3same");
}

TEST_F(ApiSourceIdentity, ReadsARotatedTokenFileAfterAnUnauthorizedAnswer) {
  folder.write("token", "first\n");
  server.require_token("first");
  configure(in_clear_text(), "tokenFile: token");
  listen();
  server.require_token("second");
  server.stop();  // what runs was let in already
  server.start();
  EXPECT_TRUE(eventually([&] { return heard.complained("does not accept the credentials: HTTP 401: Unauthorized"); }));
  folder.write("token", "second\n");
  server.put("ingresses", "shop", "c");
  EXPECT_TRUE(ingress_is_heard("shop/c"));
  EXPECT_TRUE(eventually([&] { return heard.problems().empty(); }));
  EXPECT_THAT(log.text(), Not(HasSubstr("first")));
  EXPECT_THAT(log.text(), Not(HasSubstr("second")));
}

TEST_F(ApiSourceIdentity, TrustsTheAuthorityOfItsKubeconfigForTheNameItSays) {
  use_tls();
  configure(over_tls("certificate-authority: pki/ca.crt, tls-server-name: kube.test"), "token: t");
  listen();
  EXPECT_EQ(front->server_name(), "kube.test");
}

TEST_F(ApiSourceIdentity, FindsAServerBehindTlsThatWasRestarted) {
  use_tls();
  configure(over_tls("certificate-authority: pki/ca.crt, tls-server-name: kube.test"), "token: t");
  listen();
  const std::uint16_t port = front->port();
  front.reset();
  EXPECT_TRUE(eventually([&] { return heard.problems().size() == 4; }));
  use_tls("", port);
  server.put("ingresses", "shop", "c");
  EXPECT_TRUE(ingress_is_heard("shop/c"));
  EXPECT_TRUE(eventually([&] { return heard.problems().empty(); }));
}

TEST_F(ApiSourceIdentity, TrustsNoOtherAuthority) {
  use_tls();
  configure(over_tls("certificate-authority: pki/other.crt, tls-server-name: kube.test"), "token: t");
  start();
  EXPECT_TRUE(eventually([&] { return heard.complained("its certificate is not trusted): SSL certificate problem"); }));
  EXPECT_EQ(server.requests().size(), 0U);
}

TEST_F(ApiSourceIdentity, TrustsTheAuthorityForNoOtherName) {
  use_tls();
  configure(over_tls("certificate-authority: pki/ca.crt, tls-server-name: other.test"), "token: t");
  start();
  EXPECT_TRUE(eventually([&] { return heard.complained("no alternative certificate subject name matches"); }));
  EXPECT_EQ(server.requests().size(), 0U);
}

TEST_F(ApiSourceIdentity, SaysSoWhenItIsToldNotToVerify) {
  use_tls();
  configure(over_tls("insecure-skip-tls-verify: true"), "token: t");
  listen();
  EXPECT_THAT(log.text(), HasSubstr("certificate is not verified"));
}

TEST_F(ApiSourceIdentity, ShowsItsClientCertificate) {
  use_tls(authority.certificate_pem);
  const TestCertificate own = make_certificate({}, {.common_name = "fairlead", .issuer = &authority});
  folder.write("pki/own.crt", own.certificate_pem);
  folder.write("pki/own.key", own.key_pem);
  configure(over_tls("certificate-authority: pki/ca.crt, tls-server-name: kube.test"),
            "client-certificate: pki/own.crt, client-key: pki/own.key");
  listen();
  EXPECT_EQ(front->client_name(), "fairlead");
}

TEST_F(ApiSourceIdentity, CannotListenWithoutTheCertificateThatIsAskedFor) {
  use_tls(authority.certificate_pem);
  configure(over_tls("certificate-authority: pki/ca.crt, tls-server-name: kube.test"), "token: t");
  start();
  EXPECT_TRUE(eventually([&] { return heard.complained("cannot be reached"); }));
  EXPECT_EQ(server.requests().size(), 0U);
}

TEST_F(ApiSourceIdentity, FailsAtOnceWhenTheKeyCannotBeRead) {
  configure(in_clear_text(), "client-certificate: pki/own.crt, client-key: pki/own.key");
  const auto started = start_api_source(options, log, heard, limits);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message, "cannot read the client-certificate " + (folder.path() / "pki/own.crt").string());
}

}  // namespace
}  // namespace fairlead

#include "tls/client_context.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tls/memory_pair.hpp"

namespace fairlead {
namespace {

using testing::HasSubstr;

class ClientContextTest : public testing::Test {
 protected:
  ClientContextTest() {
    TlsHosts hosts;
    add_host(hosts, "up.test", {source("up", make_certificate({"up.test"}, {.common_name = "up", .issuer = &ca_}))});
    store_ = CertificateStore::create()->with(hosts);
  }

  void use(const ClientTlsSettings& settings) { client_ = ClientContext::create(settings).value(); }

  std::unique_ptr<TlsPair> connect() {
    auto made = std::make_unique<TlsPair>(client_->connect(), server_->accept(*store_));
    made->handshake();
    return made;
  }

  TestCertificate ca_ = make_certificate({}, {.common_name = "CA", .is_ca = true});
  SessionTickets tickets_;
  std::shared_ptr<const CertificateStore> store_;
  std::unique_ptr<ServerContext> server_ = ServerContext::create({}, tickets_).value();
  std::unique_ptr<ClientContext> client_ = ClientContext::create({}).value();
};

TEST_F(ClientContextTest, ByDefaultNothingIsVerifiedAndNoNameIsSent) {
  const auto made = connect();
  EXPECT_TRUE(made->up());
  EXPECT_EQ(ServerContext::server_name(made->server.get()), "");
  EXPECT_EQ(peer_common_name(made->client.get()), generated_name);
}

TEST_F(ClientContextTest, SendsTheNameItIsGiven) {
  use({.server_name = "up.test"});
  const auto made = connect();
  EXPECT_EQ(ServerContext::server_name(made->server.get()), "up.test");
  EXPECT_EQ(peer_common_name(made->client.get()), "up");
}

TEST_F(ClientContextTest, AnAddressIsNotSentAsAName) {
  use({.server_name = "10.0.0.1"});
  EXPECT_EQ(ServerContext::server_name(connect()->server.get()), "");
}

TEST_F(ClientContextTest, VerifiesAgainstTheGivenCa) {
  use({.verify = true, .server_name = "up.test", .ca_pem = ca_.certificate_pem});
  const auto made = connect();
  EXPECT_TRUE(made->up()) << made->client_failure;
}

TEST_F(ClientContextTest, AnotherCaFailsVerification) {
  const auto other = make_certificate({}, {.common_name = "Other", .is_ca = true});
  use({.verify = true, .server_name = "up.test", .ca_pem = other.certificate_pem});
  const auto made = connect();
  EXPECT_EQ(made->client_result, TlsResult::failed);
  EXPECT_EQ(made->client_failure, "certificate verify failed");
}

TEST_F(ClientContextTest, AnotherNameFailsVerification) {
  use({.verify = true, .server_name = "elsewhere.test", .ca_pem = ca_.certificate_pem});
  TlsHosts wrong;
  add_host(wrong, "", {source("up", make_certificate({"up.test"}, {.issuer = &ca_}))});
  store_ = store_->with(wrong);
  EXPECT_EQ(connect()->client_failure, "certificate verify failed");
}

TEST_F(ClientContextTest, TheSystemsCasDoNotKnowOurs) {
  use({.verify = true, .server_name = "up.test"});
  EXPECT_EQ(connect()->client_failure, "certificate verify failed");
}

TEST_F(ClientContextTest, TheNextConnectionResumesTheLastSession) {
  EXPECT_FALSE(SSL_session_reused(connect()->client.get()));
  EXPECT_TRUE(SSL_session_reused(connect()->client.get()));
  EXPECT_TRUE(SSL_session_reused(connect()->client.get()));
}

TEST_F(ClientContextTest, SessionsOutliveTheirContext) {
  const auto made = connect();
  client_.reset();
  ASSERT_EQ(SSL_write(made->client.get(), "ping", 4), 4);
  char text[8];
  EXPECT_EQ(SSL_read(made->server.get(), text, sizeof text), 4);
}

TEST_F(ClientContextTest, ABadCaIsNamed) {
  EXPECT_THAT(ClientContext::create({.verify = true, .ca_pem = "garbage"}).error().message, HasSubstr("CA"));
  const std::string cut = ca_.certificate_pem.substr(0, ca_.certificate_pem.size() / 2);
  EXPECT_THAT(ClientContext::create({.verify = true, .ca_pem = cut}).error().message, HasSubstr("CA"));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
}  // namespace fairlead

#include "tls/server_context.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "tests/tls/memory_pair.hpp"

namespace fairlead {
namespace {

using testing::HasSubstr;

class ServerContextTest : public testing::Test {
 protected:
  static std::shared_ptr<const CertificateStore> make_store() {
    TlsHosts hosts;
    add_host(hosts, "a.example.com", {source("a", make_certificate({"a.example.com"}, {.common_name = "exact"}))});
    add_host(hosts, "*.example.com", {source("w", make_certificate({"*.example.com"}, {.common_name = "wildcard"}))});
    add_host(hosts, "wrong.test", {source("x", make_certificate({"right.test"}, {.common_name = "mismatch"}))});
    add_host(hosts, "both.test",
             {source("e", make_certificate({"both.test"}, {.common_name = "ecdsa"})),
              source("r", make_certificate({"both.test"}, {.key = TestKey::rsa, .common_name = "rsa"}))});
    add_host(hosts, "ed.test",
             {source("ed", make_certificate({"ed.test"}, {.key = TestKey::ed25519, .common_name = "ed"}))});
    return CertificateStore::create()->with(hosts);
  }

  void use(const ServerTlsSettings& settings) { server_ = ServerContext::create(settings, tickets_).value(); }

  std::unique_ptr<TlsPair> pair(const char* server_name) {
    return std::make_unique<TlsPair>(client_.connect(server_name), server_->accept(*store_));
  }

  std::unique_ptr<TlsPair> connect(const char* server_name) {
    auto made = pair(server_name);
    made->handshake();
    return made;
  }

  std::string served(const char* server_name) {
    client_.session.reset();  // a full handshake each time
    return peer_common_name(connect(server_name)->client.get());
  }

  TestClient client_;
  SessionTickets tickets_;
  std::shared_ptr<const CertificateStore> store_ = make_store();
  std::unique_ptr<ServerContext> server_ = ServerContext::create({}, tickets_).value();
};

TEST_F(ServerContextTest, ServesTheCertificateOfTheName) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    client_.only(version);
    EXPECT_EQ(served("a.example.com"), "exact");
    EXPECT_EQ(served("A.EXAMPLE.com"), "exact");
    EXPECT_EQ(served("a.example.com."), "exact");
    EXPECT_EQ(served("b.example.com"), "wildcard");
    EXPECT_EQ(served("b.c.example.com"), generated_name);
    EXPECT_EQ(served("unknown.test"), generated_name);
    EXPECT_EQ(served("wrong.test"), generated_name);
    EXPECT_EQ(served(nullptr), generated_name);
    EXPECT_EQ(served("ed.test"), "ed");
  }
}

TEST_F(ServerContextTest, TellsTheNameInItsCanonicalForm) {
  EXPECT_EQ(ServerContext::server_name(connect("A.Example.com.")->server.get()), "a.example.com");
  EXPECT_EQ(ServerContext::server_name(connect(nullptr)->server.get()), "");
}

TEST_F(ServerContextTest, SpeaksTheVersionTheClientAsksFor) {
  client_.only(TLS1_2_VERSION);
  EXPECT_STREQ(SSL_get_version(connect("a.example.com")->server.get()), "TLSv1.2");
  client_.only(TLS1_3_VERSION);
  EXPECT_STREQ(SSL_get_version(connect("a.example.com")->server.get()), "TLSv1.3");
}

TEST_F(ServerContextTest, RefusesOlderVersions) {
  SSL_CTX_set_security_level(client_.context(), 0);
  SSL_CTX_set_cipher_list(client_.context(), "ALL:@SECLEVEL=0");
  client_.only(TLS1_1_VERSION);
  const auto tried = connect("a.example.com");
  EXPECT_EQ(tried->server_result, TlsResult::failed);
  EXPECT_EQ(tried->server_failure, "unsupported protocol");
  EXPECT_EQ(tried->client_result, TlsResult::failed);
}

TEST_F(ServerContextTest, SettingsNarrowTheVersions) {
  use({.tls13 = false});
  EXPECT_STREQ(SSL_get_version(connect("a.example.com")->server.get()), "TLSv1.2");
  use({.tls12 = false});
  client_.only(TLS1_2_VERSION);
  EXPECT_EQ(connect("a.example.com")->server_result, TlsResult::failed);
}

TEST_F(ServerContextTest, TheClientsSignatureAlgorithmsChooseTheKeyType) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    client_.only(version);
    SSL_CTX_set1_sigalgs_list(client_.context(), "rsa_pss_rsae_sha256:rsa_pkcs1_sha256");
    EXPECT_EQ(served("both.test"), "rsa");
    SSL_CTX_set1_sigalgs_list(client_.context(), "ecdsa_secp256r1_sha256");
    EXPECT_EQ(served("both.test"), "ecdsa");
  }
}

TEST_F(ServerContextTest, AClientThatTakesBothIsServedWithEcdsa) {
  EXPECT_EQ(served("both.test"), "ecdsa");
}

TEST_F(ServerContextTest, AClientOfRsaSuitesAloneIsServedWithRsa) {
  client_.only(TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(client_.context(), "ECDHE-RSA-AES128-GCM-SHA256");
  EXPECT_EQ(served("both.test"), "rsa");
}

TEST_F(ServerContextTest, NoCommonCipherIsAFailureWithAReason) {
  client_.only(TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(client_.context(), "ECDHE-ECDSA-AES128-SHA");
  const auto tried = connect("a.example.com");
  EXPECT_EQ(tried->server_result, TlsResult::failed);
  EXPECT_EQ(tried->server_failure, "no shared cipher");
}

TEST_F(ServerContextTest, AnUnknownGroupFirstCostsOneMoreRoundOnly) {
  client_.only(TLS1_3_VERSION);
  ASSERT_EQ(SSL_CTX_set1_groups_list(client_.context(), "X448:P-256"), 1);  // makes the server ask for another hello
  const auto retried = connect("b.example.com");
  EXPECT_TRUE(retried->up());
  EXPECT_EQ(peer_common_name(retried->client.get()), "wildcard");
}

TEST_F(ServerContextTest, SendsTheIntermediateCertificates) {
  const auto root = make_certificate({}, {.common_name = "root", .is_ca = true});
  const auto middle = make_certificate({}, {.common_name = "middle", .is_ca = true, .issuer = &root});
  auto leaf = make_certificate({"chain.test"}, {.common_name = "leaf", .issuer = &middle});
  leaf.certificate_pem += middle.certificate_pem;
  TlsHosts hosts;
  add_host(hosts, "chain.test", {source("chain", leaf)});
  store_ = store_->with(hosts);

  BioPtr text(BIO_new_mem_buf(root.certificate_pem.data(), -1));
  X509Ptr anchor(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  X509_STORE_add_cert(SSL_CTX_get_cert_store(client_.context()), anchor.get());
  SSL_CTX_set_verify(client_.context(), SSL_VERIFY_PEER, nullptr);
  const auto verified = connect("chain.test");
  EXPECT_TRUE(verified->up()) << verified->client_failure;
  EXPECT_EQ(sk_X509_num(SSL_get_peer_cert_chain(verified->client.get())), 2);
}

TEST_F(ServerContextTest, AChangeOfCertificatesLeavesEstablishedSessionsAlone) {
  const auto old = connect("a.example.com");
  TlsHosts change;
  add_host(change, "a.example.com", {source("a", make_certificate({"a.example.com"}, {.common_name = "newer"}))});
  store_ = store_->with(change);  // the last store, and its certificate, are gone

  ASSERT_EQ(SSL_write(old->client.get(), "ping", 4), 4);
  char text[8];
  EXPECT_EQ(SSL_read(old->server.get(), text, sizeof text), 4);
  ASSERT_EQ(SSL_write(old->server.get(), "pong", 4), 4);
  EXPECT_EQ(SSL_read(old->client.get(), text, sizeof text), 4);
  EXPECT_EQ(served("a.example.com"), "newer");
}

TEST_F(ServerContextTest, ThreadsShareOneContextWhileCertificatesChangeAndKeysRotate) {
  std::mutex mutex;
  std::atomic<int> good = 0;
  const auto current = [&] {
    const std::lock_guard lock(mutex);
    return store_;
  };
  const auto work = [&] {
    TestClient client;
    for (int i = 0; i < 30; ++i) {
      const auto store = current();
      TlsPair made(client.connect("a.example.com"), server_->accept(*store));
      made.handshake();
      good += made.up();
    }
  };
  std::thread first(work);
  std::thread second(work);
  for (int i = 0; i < 20; ++i) {
    TlsHosts change;
    add_host(change, "a.example.com", {source("a", make_certificate({"a.example.com"}))});
    auto next = current()->with(change);
    const std::lock_guard lock(mutex);
    store_ = std::move(next);
    if (i % 5 == 0) tickets_.rotate();
  }
  first.join();
  second.join();
  EXPECT_EQ(good, 60);
}

TEST_F(ServerContextTest, RenegotiationIsRefused) {
  client_.only(TLS1_2_VERSION);
  const auto made = connect("a.example.com");
  SSL_renegotiate(made->client.get());
  SSL_do_handshake(made->client.get());
  char byte;
  EXPECT_EQ(tls_result(made->server.get(), SSL_read(made->server.get(), &byte, 1)), TlsResult::want_read);
  EXPECT_EQ(tls_result(made->client.get(), SSL_do_handshake(made->client.get())), TlsResult::failed);
  EXPECT_STREQ(tls_failure_reason(), "no renegotiation");
}

std::string chosen_protocol(const SSL* ssl) {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

void offer(const TestClient& client, std::string_view wire) {
  SSL_CTX_set_alpn_protos(client.context(), reinterpret_cast<const unsigned char*>(wire.data()),
                          static_cast<unsigned>(wire.size()));
}

TEST_F(ServerContextTest, ChoosesTheProtocolWePrefer) {
  offer(client_, "\x02h2\x08http/1.1");
  EXPECT_EQ(chosen_protocol(connect("a.example.com")->server.get()), "http/1.1");
  use({.alpn = {"h2", "http/1.1"}});
  EXPECT_EQ(chosen_protocol(connect("a.example.com")->server.get()), "h2");
  offer(client_, "\x08http/1.1\x02h2");
  EXPECT_EQ(chosen_protocol(connect("a.example.com")->server.get()), "h2");
}

TEST_F(ServerContextTest, NoProtocolInCommonEndsTheHandshake) {
  offer(client_, "\x02h2");
  const auto tried = connect("a.example.com");
  EXPECT_EQ(tried->server_result, TlsResult::failed);
  EXPECT_EQ(tried->client_failure, "tlsv1 alert no application protocol");
}

TEST_F(ServerContextTest, AClientThatOffersNoProtocolGetsNone) {
  const auto made = connect("a.example.com");
  EXPECT_TRUE(made->up());
  EXPECT_EQ(chosen_protocol(made->server.get()), "");
}

TEST_F(ServerContextTest, GarbageInsteadOfAClientHelloFailsWithAReason) {
  const auto made = pair("a.example.com");
  made->to_server = "\x16\x03\x01\x02\x30garbage that is no handshake message at all";
  made->to_server.resize(600, 'x');
  const TlsResult result = tls_result(made->server.get(), SSL_do_handshake(made->server.get()));
  EXPECT_EQ(result, TlsResult::failed);
  EXPECT_STRNE(tls_failure_reason(), "");
}

TEST_F(ServerContextTest, AWrongSettingIsNamed) {
  const auto message = [this](const ServerTlsSettings& settings) {
    const auto made = ServerContext::create(settings, tickets_);
    EXPECT_EQ(ERR_peek_error(), 0U);
    return made ? std::string() : made.error().message;
  };
  EXPECT_THAT(message({.tls12 = false, .tls13 = false}), HasSubstr("neither TLS 1.2 nor TLS 1.3"));
  EXPECT_THAT(message({.ciphers = "NO-SUCH"}), HasSubstr("NO-SUCH"));
  EXPECT_THAT(message({.ciphersuites = "TLS_NONE"}), HasSubstr("TLS_NONE"));
  EXPECT_THAT(message({.groups = "P-1"}), HasSubstr("P-1"));
  EXPECT_THAT(message({.alpn = {""}}), HasSubstr("ALPN"));
}

}  // namespace
}  // namespace fairlead

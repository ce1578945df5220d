#include "tls/session_tickets.hpp"

#include <gtest/gtest.h>

#include "tests/tls/memory_pair.hpp"

namespace fairlead {
namespace {

TEST(SessionTickets, RotationKeepsTheNewestKeysFirst) {
  SessionTickets tickets;
  const auto first = tickets.keys();
  ASSERT_EQ(first->size(), 1U);
  tickets.rotate();
  const auto second = tickets.keys();
  ASSERT_EQ(second->size(), 2U);
  EXPECT_EQ((*second)[1].name, (*first)[0].name);
  EXPECT_NE((*second)[0].name, (*first)[0].name);
  EXPECT_NE((*second)[0].aes_key, (*first)[0].aes_key);
  EXPECT_NE((*second)[0].hmac_key, (*first)[0].hmac_key);
  for (std::size_t i = 0; i < SessionTickets::kept_keys; ++i) tickets.rotate();
  EXPECT_EQ(tickets.keys()->size(), SessionTickets::kept_keys);
  EXPECT_EQ(first->size(), 1U) << "keys in use stay as they are";
}

class TicketTest : public testing::TestWithParam<int> {
 protected:
  TicketTest() {
    TlsHosts hosts;
    add_host(hosts, "a.test", {source("a", make_certificate({"a.test"}, {.common_name = "a"}))});
    add_host(hosts, "b.test", {source("b", make_certificate({"b.test"}, {.common_name = "b"}))});
    store_ = CertificateStore::create()->with(hosts);
    client_.only(GetParam());
  }

  std::unique_ptr<TlsPair> connect(const char* server_name, const ServerContext& server) {
    auto made = std::make_unique<TlsPair>(client_.connect(server_name), server.accept(*store_));
    made->handshake();
    EXPECT_TRUE(made->up()) << made->server_failure << made->client_failure;
    return made;
  }
  std::unique_ptr<TlsPair> connect(const char* server_name) { return connect(server_name, *server_); }

  bool resumes(const char* server_name) { return SSL_session_reused(connect(server_name)->server.get()) == 1; }

  // The client's ticket of this connection.
  static std::string ticket(const TlsPair& pair) {
    const unsigned char* bytes = nullptr;
    std::size_t size = 0;
    SSL_SESSION_get0_ticket(SSL_get_session(pair.client.get()), &bytes, &size);
    return {reinterpret_cast<const char*>(bytes), size};
  }
  // The name of the key that it is encrypted under.
  static std::string ticket_key_name(const TlsPair& pair) { return ticket(pair).substr(0, 16); }
  std::string newest_key_name() const {
    const auto keys = tickets_.keys();
    const auto& name = keys->front().name;
    return {reinterpret_cast<const char*>(name.data()), name.size()};
  }

  TestClient client_;
  SessionTickets tickets_;
  std::shared_ptr<const CertificateStore> store_;
  std::unique_ptr<ServerContext> server_ = ServerContext::create({}, tickets_).value();
};

INSTANTIATE_TEST_SUITE_P(Versions, TicketTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& tested) { return tested.param == TLS1_2_VERSION ? "Tls12" : "Tls13"; });

TEST_P(TicketTest, ATicketResumesTheSession) {
  const auto first = connect("a.test");
  EXPECT_FALSE(SSL_session_reused(first->server.get()));
  EXPECT_EQ(ticket_key_name(*first), newest_key_name());
  const auto again = connect("a.test");
  EXPECT_TRUE(SSL_session_reused(again->server.get()));
  EXPECT_EQ(ServerContext::server_name(again->server.get()), "a.test");
}

TEST_P(TicketTest, EveryConnectionResumesTheOneBefore) {
  connect("a.test");
  std::string before;
  for (int i = 0; i < 3; ++i) {
    const auto again = connect("a.test");
    EXPECT_TRUE(SSL_session_reused(again->server.get())) << i;
    if (GetParam() == TLS1_3_VERSION) {
      EXPECT_NE(ticket(*again), before) << "a ticket is used once";
    }
    before = ticket(*again);
  }
}

TEST_P(TicketTest, ATicketWithoutAServerNameResumesToo) {
  EXPECT_FALSE(resumes(nullptr));
  EXPECT_TRUE(resumes(nullptr));
}

TEST_P(TicketTest, TicketsAreGoodOnEveryServerOfTheSameKeys) {
  connect("a.test");
  const auto other = ServerContext::create({}, tickets_).value();
  EXPECT_TRUE(SSL_session_reused(connect("a.test", *other)->server.get()));
}

TEST_P(TicketTest, ATicketResumesUnderItsOwnNameOnly) {
  connect("a.test");
  const auto other = connect("b.test");
  EXPECT_FALSE(SSL_session_reused(other->server.get()));
  EXPECT_EQ(ServerContext::server_name(other->server.get()), "b.test");
  EXPECT_EQ(peer_common_name(other->client.get()), "b");
  EXPECT_TRUE(resumes("b.test")) << "the full handshake gave a ticket of its own";
  EXPECT_FALSE(resumes(nullptr));
}

TEST_P(TicketTest, AnotherSpellingOfTheNameIsTheSameName) {
  connect("a.test");
  EXPECT_TRUE(resumes("A.test."));
}

TEST_P(TicketTest, AnOldKeyStillResumesAndTheTicketIsRenewed) {
  const auto first = connect("a.test");
  tickets_.rotate();
  EXPECT_NE(ticket_key_name(*first), newest_key_name());
  const auto again = connect("a.test");
  EXPECT_TRUE(SSL_session_reused(again->server.get()));
  EXPECT_EQ(ticket_key_name(*again), newest_key_name());
}

TEST_P(TicketTest, TheOldestKeptKeyResumesAndAForgottenOneDoesNot) {
  connect("a.test");
  for (std::size_t i = 1; i < SessionTickets::kept_keys; ++i) tickets_.rotate();
  EXPECT_TRUE(resumes("a.test"));
  for (std::size_t i = 0; i < SessionTickets::kept_keys; ++i) tickets_.rotate();
  EXPECT_FALSE(resumes("a.test"));
  EXPECT_TRUE(resumes("a.test"));
}

TEST_P(TicketTest, AResumedSessionNeedsNoCertificate) {
  connect("a.test");
  store_ = store_->with({{"a.test", nullptr}});
  EXPECT_TRUE(resumes("a.test"));
}

}  // namespace
}  // namespace fairlead

#include "tls/connection_bio.hpp"

#include <gtest/gtest.h>

#include "tests/tls/memory_pair.hpp"

namespace fairlead {
namespace {

class ConnectionBioTest : public testing::TestWithParam<int> {
 protected:
  ConnectionBioTest() { client_.only(GetParam()); }

  std::unique_ptr<TlsPair> established() {
    auto made = fresh();
    made->handshake();
    EXPECT_TRUE(made->up());
    return made;
  }
  std::unique_ptr<TlsPair> fresh() {
    return std::make_unique<TlsPair>(client_.connect("a.test"), server_->accept(*store_));
  }

  TestClient client_;
  SessionTickets tickets_;
  std::shared_ptr<const CertificateStore> store_ = CertificateStore::create();
  std::unique_ptr<ServerContext> server_ = ServerContext::create({}, tickets_).value();
};

INSTANTIATE_TEST_SUITE_P(Versions, ConnectionBioTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& tested) { return tested.param == TLS1_2_VERSION ? "Tls12" : "Tls13"; });

TlsResult read_one(SSL* ssl) {
  char byte;
  return tls_result(ssl, SSL_read(ssl, &byte, 1));
}

TEST_P(ConnectionBioTest, BytesMayComeOneByOne) {
  auto made = fresh();
  made->server_side.most_at_once = 1;
  made->client_side.most_at_once = 1;
  made->handshake();
  ASSERT_TRUE(made->up());
  const std::string sent(40'000, 'x');
  std::size_t written = 0;
  while (written < sent.size()) {
    const int count = SSL_write(made->client.get(), sent.data() + written, static_cast<int>(sent.size() - written));
    ASSERT_GT(count, 0);
    written += static_cast<std::size_t>(count);
  }
  std::string received;
  char part[4096];
  for (int count; (count = SSL_read(made->server.get(), part, sizeof part)) > 0;) {
    received.append(part, static_cast<std::size_t>(count));
  }
  EXPECT_EQ(received, sent);
}

TEST_P(ConnectionBioTest, NothingToReadIsWantRead) {
  const auto made = established();
  EXPECT_EQ(read_one(made->server.get()), TlsResult::want_read);
  ASSERT_EQ(SSL_write(made->client.get(), "ab", 2), 2);
  EXPECT_EQ(read_one(made->server.get()), TlsResult::done);
  EXPECT_EQ(read_one(made->server.get()), TlsResult::done);
  EXPECT_EQ(read_one(made->server.get()), TlsResult::want_read);
}

TEST_P(ConnectionBioTest, ARecordIsReceivedAtOnce) {
  const auto made = established();
  ASSERT_EQ(SSL_write(made->client.get(), "ping", 4), 4);
  made->server_side.receives = 0;
  char text[8];
  EXPECT_EQ(SSL_read(made->server.get(), text, sizeof text), 4);
  EXPECT_EQ(made->server_side.receives, 1) << "header and body in one";
}

TEST_P(ConnectionBioTest, AFullTransportIsWantWriteAndTheWriteGoesOnFromAnotherBuffer) {
  const auto made = established();
  made->server_side.full = true;
  const std::string first = "hello";
  EXPECT_EQ(tls_result(made->server.get(), SSL_write(made->server.get(), first.data(), 5)), TlsResult::want_write);
  EXPECT_EQ(made->to_client, "");
  made->server_side.full = false;
  const std::string moved = first;
  EXPECT_EQ(SSL_write(made->server.get(), moved.data(), 5), 5);
  char text[8];
  ASSERT_EQ(SSL_read(made->client.get(), text, sizeof text), 5);
  EXPECT_EQ(std::string(text, 5), "hello");
}

TEST_P(ConnectionBioTest, AFullTransportDuringTheHandshakeIsWantWrite) {
  auto made = fresh();
  made->client_result = tls_result(made->client.get(), SSL_do_handshake(made->client.get()));
  made->server_side.full = true;
  EXPECT_EQ(tls_result(made->server.get(), SSL_do_handshake(made->server.get())), TlsResult::want_write);
  made->server_side.full = false;
  made->handshake();
  EXPECT_TRUE(made->up());
}

TEST_P(ConnectionBioTest, ABrokenTransportIsAFailure) {
  const auto made = established();
  made->server_side.broken = true;
  EXPECT_EQ(read_one(made->server.get()), TlsResult::failed);
  EXPECT_STREQ(tls_failure_reason(), "connection failed");
  EXPECT_EQ(tls_result(made->server.get(), SSL_write(made->server.get(), "x", 1)), TlsResult::failed);
}

TEST_P(ConnectionBioTest, CloseNotifyIsClosed) {
  const auto made = established();
  ASSERT_EQ(SSL_write(made->client.get(), "x", 1), 1);
  SSL_shutdown(made->client.get());
  EXPECT_EQ(read_one(made->server.get()), TlsResult::done);
  EXPECT_EQ(read_one(made->server.get()), TlsResult::closed);
  EXPECT_EQ(SSL_write(made->server.get(), "bye", 3), 3) << "the other direction stays open";
  char text[8];
  EXPECT_EQ(SSL_read(made->client.get(), text, sizeof text), 3);
}

TEST_P(ConnectionBioTest, EndOfStreamWithoutCloseNotifyIsClosedAndLeavesTheOtherDirectionOpen) {
  const auto made = established();
  ASSERT_EQ(SSL_write(made->client.get(), "x", 1), 1);
  made->server_side.ended = true;
  EXPECT_EQ(read_one(made->server.get()), TlsResult::done);
  EXPECT_EQ(read_one(made->server.get()), TlsResult::closed);
  EXPECT_EQ(SSL_write(made->server.get(), "bye", 3), 3);
  char text[8];
  EXPECT_EQ(SSL_read(made->client.get(), text, sizeof text), 3);
}

TEST_P(ConnectionBioTest, EndOfStreamWithinTheHandshakeIsClosed) {
  const auto made = fresh();
  made->server_side.ended = true;
  EXPECT_EQ(tls_result(made->server.get(), SSL_do_handshake(made->server.get())), TlsResult::closed);
}

TEST_P(ConnectionBioTest, AClientWithoutOurOptionsSeesAMissingCloseNotifyAsClosedToo) {
  const auto made = established();
  made->client_side.ended = true;
  EXPECT_EQ(read_one(made->client.get()), TlsResult::closed);
}

TEST_P(ConnectionBioTest, ATamperedRecordFailsWithAReason) {
  const auto made = established();
  ASSERT_EQ(SSL_write(made->client.get(), "ping", 4), 4);
  made->to_server.back() = static_cast<char>(made->to_server.back() ^ 1);
  EXPECT_EQ(read_one(made->server.get()), TlsResult::failed);
  EXPECT_STREQ(tls_failure_reason(), "decryption failed or bad record mac");
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST_P(ConnectionBioTest, AFailureDoesNotSpillOverToAnotherSession) {
  const auto spoilt = established();
  const auto sound = established();
  ASSERT_EQ(SSL_write(spoilt->client.get(), "ping", 4), 4);
  spoilt->to_server.back() = static_cast<char>(spoilt->to_server.back() ^ 1);
  EXPECT_EQ(read_one(spoilt->server.get()), TlsResult::failed);
  EXPECT_EQ(read_one(sound->server.get()), TlsResult::want_read);
}

TEST_P(ConnectionBioTest, TheReasonCanBeAskedForBeforeTheResultToo) {
  const auto made = established();
  ASSERT_EQ(SSL_write(made->client.get(), "ping", 4), 4);
  made->to_server.back() = static_cast<char>(made->to_server.back() ^ 1);
  char byte;
  const int returned = SSL_read(made->server.get(), &byte, 1);
  EXPECT_STREQ(tls_failure_reason(), "decryption failed or bad record mac");
  EXPECT_EQ(tls_result(made->server.get(), returned), TlsResult::failed);
}

}  // namespace
}  // namespace fairlead

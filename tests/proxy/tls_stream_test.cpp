#include "proxy/tls_stream.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "tests/proxy/tcp_pair.hpp"
#include "tests/support/test_certificates.hpp"
#include "tls/certificate_store.hpp"
#include "tls/client_context.hpp"
#include "tls/server_context.hpp"
#include "tls/session_tickets.hpp"

namespace fairlead {
namespace {

// What all connections of the tests are made with.
struct TlsSides {
  TlsSides() : server(*ServerContext::create({}, tickets)), client(*ClientContext::create({})) {}

  SessionTickets tickets;
  std::shared_ptr<const CertificateStore> store = CertificateStore::create();
  std::unique_ptr<ServerContext> server;
  std::unique_ptr<ClientContext> client;
};

// A server's and a client's stream over one pair of sockets, sharing a scratch as on a Worker.
struct TlsEnds {
  TlsEnds(const TlsSides& sides, TlsScratch& scratch)
      : server(sides.server->accept(*sides.store), scratch), client(sides.client->connect(), scratch) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    server.socket().fd = ends[0];
    client.socket().fd = ends[1];
    ready();
  }

  // As readiness events would, whatever there is to be read or written.
  void ready() {
    for (TlsStream* const stream : {&server, &client}) stream->socket().readable = stream->socket().writable = true;
  }

  bool handshake() {
    for (int turn = 0; turn < 20; ++turn) {
      ready();
      const TlsResult there = client.handshake();
      const TlsResult here = server.handshake();
      if (there == TlsResult::done && here == TlsResult::done) {
        read(client);  // the ticket comes after the handshake
        return true;
      }
      if (there == TlsResult::failed || here == TlsResult::failed) return false;
    }
    return false;
  }

  std::string read(TlsStream& from, std::size_t most = SIZE_MAX) {
    ready();
    std::string text;
    char piece[8 * 1024];
    while (text.size() < most && (last = from.read(piece, std::min(sizeof piece, most - text.size()))) > 0) {
      text.append(piece, static_cast<std::size_t>(last));
      ready();
    }
    return text;
  }

  IoCount write(TlsStream& to, const std::vector<std::string>& texts) {
    std::vector<iovec> pieces;
    for (const std::string& text : texts) pieces.push_back({const_cast<char*>(text.data()), text.size()});
    ready();
    return to.write(pieces, false);
  }

  // The bytes on their way to a stream, left where they are.
  static std::string peek(TlsStream& to) {
    std::string bytes(256 * 1024, '\0');
    const ssize_t count = ::recv(to.socket().fd, bytes.data(), bytes.size(), MSG_PEEK);
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
  }

  TlsStream server;
  TlsStream client;
  IoCount last = 0;
};

struct TlsStreamTest : testing::Test {
  TlsSides sides;
  TlsScratch scratch;
  TlsEnds ends{sides, scratch};
};

constexpr char application_data = 23;
constexpr char handshake_record = 22;

TEST_F(TlsStreamTest, BytesPassBothWaysAfterTheHandshake) {
  ASSERT_TRUE(ends.handshake());
  EXPECT_FALSE(ends.server.spoke_plain_http());
  EXPECT_EQ(ends.write(ends.client, {"ask"}), 3);
  EXPECT_EQ(ends.read(ends.server), "ask");
  EXPECT_EQ(ends.last, io_blocked);
  EXPECT_EQ(ends.write(ends.server, {"answer"}), 6);
  EXPECT_EQ(ends.read(ends.client), "answer");
  EXPECT_EQ(ends.server.flush(), io_end);
  EXPECT_EQ(scratch.gathered, 0u);
}

TEST_F(TlsStreamTest, AHandshakeWaitsForTheOtherSide) {
  EXPECT_EQ(ends.server.handshake(), TlsResult::want_read);
  EXPECT_EQ(ends.client.handshake(), TlsResult::want_read);
  EXPECT_EQ(TlsEnds::peek(ends.server).front(), handshake_record);
}

TEST_F(TlsStreamTest, SmallPiecesLeaveAsOneRecord) {
  ASSERT_TRUE(ends.handshake());
  EXPECT_EQ(ends.write(ends.server, {"head\r\n", "", "\r\n", "body"}), 12);
  const std::string wire = TlsEnds::peek(ends.client);
  ASSERT_GT(wire.size(), 5u);
  EXPECT_EQ(wire[0], application_data);
  const std::size_t length = static_cast<unsigned char>(wire[3]) * 256u + static_cast<unsigned char>(wire[4]);
  EXPECT_EQ(wire.size(), 5 + length) << "nothing follows the first record";
  EXPECT_EQ(ends.read(ends.client), "head\r\n\r\nbody");
}

TEST_F(TlsStreamTest, OneWriteTakesABoundedPartOfWhatIsOffered) {
  ASSERT_TRUE(ends.handshake());
  const std::string much(3 * Stream::max_write, 'x');
  const IoCount taken = ends.write(ends.server, {much});
  EXPECT_GT(taken, 0);
  EXPECT_LE(taken, static_cast<IoCount>(Stream::max_write));
}

TEST_F(TlsStreamTest, WhatTheSocketDoesNotTakeIsKeptAndFlushed) {
  ASSERT_TRUE(ends.handshake());
  const int size = 4096;
  ::setsockopt(ends.server.socket().fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  std::string sent;
  for (int i = 0; i < 20'000; ++i) sent += std::to_string(i) + " ";
  const IoCount taken = ends.write(ends.server, {sent});
  ASSERT_EQ(taken, static_cast<IoCount>(sent.size())) << "less than max_write";
  EXPECT_GT(ends.server.unsent(), 0u);
  EXPECT_FALSE(ends.server.socket().writable);
  EXPECT_EQ(ends.server.flush(), io_blocked);
  EXPECT_EQ(ends.server.write({}, false), io_blocked) << "no more until it has left";
  std::string received;
  for (int turn = 0; turn < 1000 && received.size() < sent.size(); ++turn) {
    received += ends.read(ends.client);
    ASSERT_NE(ends.server.flush(), io_failed);
  }
  EXPECT_TRUE(received == sent) << received.size() << " of " << sent.size();
  EXPECT_EQ(ends.server.unsent(), 0u);
  EXPECT_EQ(ends.server.flush(), io_end);
}

TEST_F(TlsStreamTest, WhatIsLeftOfARecordIsBuffered) {
  ASSERT_TRUE(ends.handshake());
  ends.write(ends.client, {"0123456789"});
  EXPECT_EQ(ends.read(ends.server, 4), "0123");
  EXPECT_TRUE(ends.server.has_buffered());
  EXPECT_EQ(ends.read(ends.server), "456789");
  EXPECT_FALSE(ends.server.has_buffered());
}

TEST_F(TlsStreamTest, ShutdownIsReadAsTheEndAndTheOtherDirectionGoesOn) {
  ASSERT_TRUE(ends.handshake());
  ends.write(ends.client, {"last words"});
  ends.client.shutdown_write();
  EXPECT_EQ(ends.read(ends.server), "last words");
  EXPECT_EQ(ends.last, io_end);
  EXPECT_EQ(ends.write(ends.server, {"answer"}), 6);
  EXPECT_EQ(ends.read(ends.client), "answer");
}

TEST_F(TlsStreamTest, TheLastBytesLeaveWithTheEnd) {
  connect_by_tcp(ends.client.socket(), ends.server.socket());
  ASSERT_TRUE(ends.handshake());
  std::string text = "last words";
  const iovec piece{text.data(), text.size()};
  ASSERT_EQ(ends.server.write({&piece, 1}, true), 10);
  EXPECT_EQ(TlsEnds::peek(ends.client), "") << "they wait for it";
  ends.server.shutdown_write();
  pollfd news{ends.client.socket().fd, POLLRDHUP, 0};
  ASSERT_EQ(::poll(&news, 1, 10'000), 1);
  EXPECT_EQ(ends.read(ends.client), "last words");
  EXPECT_EQ(ends.last, io_end);
}

TEST_F(TlsStreamTest, AConnectionThatIsCutReadsAsEnded) {
  ASSERT_TRUE(ends.handshake());
  ends.client.socket().close();
  EXPECT_EQ(ends.read(ends.server), "");
  EXPECT_EQ(ends.last, io_end);
}

TEST_F(TlsStreamTest, WritingToNobodyFails) {
  ASSERT_TRUE(ends.handshake());
  ends.client.socket().close();
  EXPECT_EQ(ends.write(ends.server, {"x"}), io_failed);
  EXPECT_EQ(ends.read(ends.server), "");
  EXPECT_EQ(ends.last, io_failed);
}

TEST_F(TlsStreamTest, PlainHttpIsNoticed) {
  const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  ASSERT_EQ(::send(ends.client.socket().fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  EXPECT_EQ(ends.server.handshake(), TlsResult::failed);
  EXPECT_TRUE(ends.server.spoke_plain_http());
}

TEST_F(TlsStreamTest, OtherGarbageIsNotTakenForPlainHttp) {
  const std::string garbage(64, '\x80');
  ASSERT_EQ(::send(ends.client.socket().fd, garbage.data(), garbage.size(), 0), static_cast<ssize_t>(garbage.size()));
  EXPECT_EQ(ends.server.handshake(), TlsResult::failed);
  EXPECT_FALSE(ends.server.spoke_plain_http());
}

// OpenSSL's queue of errors is the thread's: what stays in it would be taken for an error of the next connection.
TEST_F(TlsStreamTest, AHandshakeThatFailsWithAClientThatIsGoneLeavesNoErrorBehind) {
  const std::string garbage(64, '\x80');
  ASSERT_EQ(::send(ends.client.socket().fd, garbage.data(), garbage.size(), 0), static_cast<ssize_t>(garbage.size()));
  ends.client.socket().close();
  EXPECT_EQ(ends.server.handshake(), TlsResult::failed);
  EXPECT_EQ(ERR_peek_error(), 0u);
  EXPECT_EQ(scratch.gathered, 0u);
}

TEST_F(TlsStreamTest, TheAlertOfABrokenConnectionGoesToItsOwnPeerOnly) {
  TlsEnds others(sides, scratch);
  ASSERT_TRUE(ends.handshake());
  ASSERT_TRUE(others.handshake());
  const std::string forged("\x17\x03\x03\x00\x20 a record that no key has sealed", 37);
  ASSERT_EQ(::send(ends.client.socket().fd, forged.data(), forged.size(), 0), static_cast<ssize_t>(forged.size()));
  EXPECT_EQ(ends.read(ends.server), "");
  EXPECT_EQ(ends.last, io_failed);
  EXPECT_EQ(scratch.gathered, 0u) << "the scratch is everybody's";
  EXPECT_EQ(others.write(others.server, {"for the other client"}), 20);
  EXPECT_EQ(others.read(others.client), "for the other client");
}

}  // namespace
}  // namespace fairlead

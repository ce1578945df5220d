#include "proxy/http1_body_reader.hpp"

#include <gtest/gtest.h>

#include "proxy/plain_stream.hpp"
#include "tests/proxy/socket_pair.hpp"

namespace fairlead {
namespace {

struct BodyReaderTest : testing::Test {
  // Takes what can be had and says how it stands then.
  BodyState drain() {
    std::string_view piece;
    BodyState state;
    while ((state = reader.pull(piece, true)) == BodyState::data) {
      EXPECT_FALSE(piece.empty());
      body += piece;
      reader.consume(piece.size());
    }
    return state;
  }

  BodyState read_chunked(std::string_view bytes) {
    reader.start(BodyKind::chunked, 0);
    peer.send(bytes);
    return drain();
  }

  Limits limits;
  PlainStream stream;
  SocketPair peer{stream.socket()};
  ScratchBuffer scratch;
  InputBuffer input{scratch};
  Http1BodyReader reader{limits, stream, input};
  std::string body;
};

TEST_F(BodyReaderTest, NoBodyEndsAtOnceAndReadsNothing) {
  reader.start(BodyKind::none, 0);
  peer.send("GET /next");
  EXPECT_TRUE(reader.ended());
  EXPECT_EQ(drain(), BodyState::end);
  EXPECT_TRUE(input.empty());
}

TEST_F(BodyReaderTest, ALengthEndsAfterItsBytesAndLeavesTheNextRequest) {
  reader.start(BodyKind::length, 5);
  peer.send("hel");
  EXPECT_EQ(drain(), BodyState::blocked);
  EXPECT_FALSE(reader.ended());
  peer.send("loGET /");
  EXPECT_EQ(drain(), BodyState::end);
  EXPECT_EQ(body, "hello");
  EXPECT_EQ(reader.received(), 5u);
  EXPECT_EQ(input.unread(), "GET /");
  EXPECT_EQ(reader.trailers(), "");
}

TEST_F(BodyReaderTest, ALengthThatIsCutShortFails) {
  reader.start(BodyKind::length, 5);
  peer.send("hel");
  peer.finish();
  EXPECT_EQ(drain(), BodyState::failed);
  EXPECT_TRUE(reader.failed());
  EXPECT_EQ(reader.failure(), "the connection was closed in the middle of the body");
  EXPECT_EQ(drain(), BodyState::failed) << "and stays so";
}

TEST_F(BodyReaderTest, UntilCloseEndsWithTheConnection) {
  reader.start(BodyKind::until_close, 0);
  peer.send("all");
  EXPECT_EQ(drain(), BodyState::blocked);
  peer.send(" of it");
  peer.finish();
  EXPECT_EQ(drain(), BodyState::end);
  EXPECT_EQ(body, "all of it");
}

TEST_F(BodyReaderTest, UntilCloseFailsWhenTheConnectionBreaks) {
  reader.start(BodyKind::until_close, 0);
  ASSERT_EQ(::send(stream.socket().fd, "x", 1, MSG_NOSIGNAL), 1);
  peer.close();  // with a byte unread: a reset
  EXPECT_EQ(drain(), BodyState::failed);
  EXPECT_EQ(reader.failure(), "the connection broke");
}

TEST_F(BodyReaderTest, NothingIsReadWithoutLeave) {
  reader.start(BodyKind::length, 5);
  peer.send("hello");
  std::string_view piece;
  EXPECT_EQ(reader.pull(piece, false), BodyState::blocked);
  EXPECT_EQ(reader.pull(piece, true), BodyState::data);
  reader.consume(2);
  ASSERT_EQ(reader.pull(piece, false), BodyState::data) << "what was read already may be had";
  EXPECT_EQ(piece, "llo");
}

TEST_F(BodyReaderTest, APieceThatWasNotConsumedIsGivenAgain) {
  reader.start(BodyKind::chunked, 0);
  peer.send("5\r\nhello\r\n0\r\n\r\n");
  std::string_view piece;
  ASSERT_EQ(reader.pull(piece, true), BodyState::data);
  EXPECT_EQ(piece, "hello");
  EXPECT_EQ(reader.received(), 0u);
  reader.consume(1);
  ASSERT_EQ(reader.pull(piece, true), BodyState::data);
  EXPECT_EQ(piece, "ello");
  EXPECT_EQ(reader.received(), 1u);
}

TEST_F(BodyReaderTest, ChunksAreJoinedAndWhatFollowsIsLeft) {
  EXPECT_EQ(read_chunked("5\r\nhello\r\n1;name=value\r\n \r\n05 ;x\r\nworld\r\n0\r\n\r\nGET"), BodyState::end);
  EXPECT_EQ(body, "hello world");
  EXPECT_EQ(reader.received(), 11u);
  EXPECT_EQ(input.unread(), "GET");
}

TEST_F(BodyReaderTest, ChunksThatArriveByteByByteAreTheSame) {
  const std::string bytes = "3\r\nabc\r\nA;q\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n";
  reader.start(BodyKind::chunked, 0);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    peer.send(bytes.substr(i, 1));
    ASSERT_EQ(drain(), i + 1 < bytes.size() ? BodyState::blocked : BodyState::end) << i;
  }
  EXPECT_EQ(body, "abc0123456789");
  EXPECT_EQ(reader.trailers(), "X-Sum: 1\r\n");
}

TEST_F(BodyReaderTest, AReaderMayBeStartedAgain) {
  EXPECT_EQ(read_chunked("1\r\nx\r\n0\r\nA: b\r\n\r\n"), BodyState::end);
  body.clear();
  reader.start(BodyKind::length, 2);
  peer.send("yz");
  EXPECT_EQ(drain(), BodyState::end);
  EXPECT_EQ(body, "yz");
  EXPECT_EQ(reader.received(), 2u);
  EXPECT_EQ(reader.trailers(), "") << "those of the last body are gone";
}

TEST_F(BodyReaderTest, TrailersThatCouldBeTakenForMoreAreDropped) {
  EXPECT_EQ(read_chunked("0\r\nX-Sum: 1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: evil\r\n"
                         "Authorization: x\r\nCookie: a=b\r\nSet-Cookie: a=b\r\nX-Forwarded-For: 10.0.0.1\r\n"
                         "x_forwarded_for: 10.0.0.1\r\nConnection: close\r\nTrailer: x\r\nServer-Timing: db\r\n\r\n"),
            BodyState::end);
  EXPECT_EQ(reader.trailers(), "X-Sum: 1\r\nServer-Timing: db\r\n");
}

TEST(ChunkedBody, MalformedBytesAreRefused) {
  const struct {
    const char* what;
    std::string bytes;
    const char* failure;
  } cases[] = {
      {"no digits", "\r\n", "a chunk size is malformed"},
      {"no hexadecimal", "g\r\n", "a chunk size is malformed"},
      {"a sign", "+5\r\nhello\r\n", "a chunk size is malformed"},
      {"a minus", "-5\r\nhello\r\n", "a chunk size is malformed"},
      {"0x", "0x5\r\nhello\r\n", "a chunk extension is malformed"},
      {"leading space", " 5\r\nhello\r\n", "a chunk size is malformed"},
      {"space behind the size", "5 \r\nhello\r\n", "a chunk extension is malformed"},
      {"no semicolon", "5 x\r\nhello\r\n", "a chunk extension is malformed"},
      {"bare LF after the size", "5\nhello\r\n0\r\n\r\n", "a chunk line ends in a bare line feed"},
      {"bare LF alone", "\n", "a chunk line ends in a bare line feed"},
      {"bare CR in the extension", "5;a\rb\r\nhello\r\n", "a chunk extension is malformed"},
      {"NUL in the extension", std::string("5;a\0b\r\nhello\r\n", 14), "a chunk extension is malformed"},
      {"bare LF in the extension", "5;a\nb\r\nhello\r\n", "a chunk line ends in a bare line feed"},
      {"16 digits", "0000000000000005\r\nhello\r\n", "a chunk size is malformed"},
      {"over 64 bits", "10000000000000005\r\nhello\r\n", "a chunk size is malformed"},
      {"data longer than the size", "5\r\nhello!\r\n0\r\n\r\n", "a chunk is longer than its size"},
      {"bare LF after the data", "5\r\nhello\n0\r\n\r\n", "a chunk is longer than its size"},
      {"CR and no LF after the data", "5\r\nhello\rx", "a chunk is longer than its size"},
      {"bare LF after the last chunk", "0\n\n", "a chunk line ends in a bare line feed"},
      {"bare LF at the end", "0\r\n\n", "the trailers are malformed"},
      {"a folded trailer", "0\r\nA: b\r\n c\r\n\r\n", "the trailers are malformed"},
      {"space before a trailer's colon", "0\r\nA : b\r\n\r\n", "the trailers are malformed"},
      {"a trailer line without a colon", "0\r\nGET / HTTP/1.1\r\n\r\n", "the trailers are malformed"},
  };
  for (const auto& c : cases) {
    const Limits limits;
    PlainStream stream;
    SocketPair peer(stream.socket());
    ScratchBuffer scratch;
    InputBuffer input(scratch);
    Http1BodyReader reader(limits, stream, input);
    reader.start(BodyKind::chunked, 0);
    peer.send(c.bytes);
    std::string_view piece;
    BodyState state;
    while ((state = reader.pull(piece, true)) == BodyState::data) reader.consume(piece.size());
    EXPECT_EQ(state, BodyState::failed) << c.what;
    EXPECT_EQ(reader.failure(), c.failure) << c.what;
  }
}

TEST_F(BodyReaderTest, AConnectionThatEndsInsideTheFramingFails) {
  for (const char* bytes : {"5", "5\r", "5\r\n", "5\r\nhello", "5\r\nhello\r", "0\r\n", "0\r\nA: b\r\n"}) {
    PlainStream cut;
    SocketPair other(cut.socket());
    InputBuffer own(scratch);
    Http1BodyReader of_cut(limits, cut, own);
    of_cut.start(BodyKind::chunked, 0);
    other.send(bytes);
    other.finish();
    std::string_view piece;
    BodyState state;
    while ((state = of_cut.pull(piece, true)) == BodyState::data) of_cut.consume(piece.size());
    EXPECT_EQ(state, BodyState::failed) << bytes;
  }
}

TEST_F(BodyReaderTest, AChunkExtensionHoldsAtItsLimitAndNotOnePast) {
  limits.max_chunk_extension_bytes = 8;
  EXPECT_EQ(read_chunked("1;1234567\r\nx\r\n0\r\n\r\n"), BodyState::end);
  EXPECT_EQ(read_chunked("1;12345678\r\nx\r\n0\r\n\r\n"), BodyState::failed);
  EXPECT_EQ(reader.failure(), "a chunk extension is longer than max-chunk-extension-bytes");
}

TEST_F(BodyReaderTest, AnEndlessChunkExtensionIsNotWaitedFor) {
  limits.max_chunk_extension_bytes = 8;
  EXPECT_EQ(read_chunked("1;" + std::string(64, 'x')), BodyState::failed);
  EXPECT_EQ(reader.failure(), "a chunk extension is longer than max-chunk-extension-bytes");
}

TEST_F(BodyReaderTest, TrailersHoldAtTheirLimitAndNotOnePast) {
  limits.max_trailer_bytes = 16;
  EXPECT_EQ(read_chunked("0\r\nB:0123456789xy\r\n\r\n"), BodyState::end);
  EXPECT_EQ(read_chunked("0\r\nB:0123456789xyz\r\n\r\n"), BodyState::failed);
  EXPECT_EQ(reader.failure(), "the trailers are larger than max-trailer-bytes");
  EXPECT_EQ(reader.limit(), "max_trailer_bytes");
}

TEST_F(BodyReaderTest, WithoutTrailersNoLimitOfThemMatters) {
  limits.max_trailer_bytes = 0;
  EXPECT_EQ(read_chunked("0\r\n\r\n"), BodyState::end);
}

TEST_F(BodyReaderTest, TrailerFieldsAreCounted) {
  limits.max_header_count = 2;
  EXPECT_EQ(read_chunked("0\r\nA: 1\r\nB: 2\r\n\r\n"), BodyState::end);
  EXPECT_EQ(read_chunked("0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n"), BodyState::failed);
}

}  // namespace
}  // namespace fairlead

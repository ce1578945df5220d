#include "proxy/output.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "proxy/http1_framer.hpp"
#include "proxy/plain_stream.hpp"
#include "tests/proxy/socket_pair.hpp"

namespace fairlead {
namespace {

struct OutputTest : testing::Test {
  PlainStream stream;
  SocketPair peer{stream.socket()};
  GatherScratch gather;
  Output output{stream, gather};
};

TEST(TextBuffer, HoldsTextAndNumbers) {
  TextBuffer text(64);
  text.append("n=");
  text.append_number(18446744073709551615u);
  const std::size_t mark = text.size();
  text.append_hex(0xbeef);
  EXPECT_EQ(text.view(), "n=18446744073709551615beef");
  EXPECT_EQ(text.since(mark), "beef");
  EXPECT_EQ(text.left(), 64 - text.size());
}

TEST(TextBuffer, NoticesWhatDoesNotFitAndForgetsItWhenCleared) {
  TextBuffer text(4);
  text.append("1234");
  EXPECT_FALSE(text.overflow());
  text.append("5");
  EXPECT_TRUE(text.overflow());
  EXPECT_EQ(text.view(), "1234");
  text.clear();
  text.append("12345");
  text.append("6");
  text.literal("7");
  EXPECT_EQ(text.view(), "") << "nothing follows a hole";
  text.clear();
  EXPECT_FALSE(text.overflow());
  EXPECT_EQ(text.view(), "");
}

TEST_F(OutputTest, PiecesArriveInTheOrderInWhichTheyWereAdded) {
  const std::string pieces[] = {"head", "", "chunk", "end"};
  for (const std::string& piece : pieces) output.add(piece);
  EXPECT_EQ(peer.receive(), "") << "nothing leaves before send";
  EXPECT_TRUE(output.send());
  EXPECT_EQ(peer.receive(), "headchunkend");
  EXPECT_TRUE(output.drained());
  EXPECT_EQ(output.bytes_given(), 12u);
}

TEST_F(OutputTest, TextWrittenInARowIsOnePiece) {
  for (int i = 0; i < 3; ++i) {
    const std::size_t begin = output.text().size();
    output.text().append("line ");
    output.add(output.text().since(begin));
  }
  EXPECT_EQ(gather.count, 1u);
  output.add("elsewhere");
  EXPECT_EQ(gather.count, 2u);
  EXPECT_TRUE(output.send());
  EXPECT_EQ(peer.receive(), "line line line elsewhere");
}

TEST_F(OutputTest, ThereIsRoomForAllPiecesAndNoMore) {
  std::vector<std::string> pieces(GatherScratch::max_pieces, "x");
  EXPECT_TRUE(output.room(GatherScratch::max_pieces));
  EXPECT_FALSE(output.room(GatherScratch::max_pieces + 1));
  for (const std::string& piece : pieces) output.add(piece);
  EXPECT_FALSE(output.room(1));
  EXPECT_TRUE(output.send());
  EXPECT_TRUE(output.room(GatherScratch::max_pieces)) << "the next send begins anew";
  EXPECT_EQ(peer.receive().size(), GatherScratch::max_pieces);
}

// Copied next to each other they are few pieces, and much text.
TEST_F(OutputTest, ThereIsNoRoomForAChunkWithoutTextToFrameIt) {
  Http1Framer framer(output);
  framer.start(BodyFraming::chunked);
  const std::string chunk(7, 'x');
  std::size_t chunks = 0;
  for (; output.room(8) && !output.text().overflow(); ++chunks) framer.data(chunk);
  framer.end("");
  ASSERT_FALSE(output.text().overflow());
  EXPECT_GT(chunks, GatherScratch::text_size / 16) << "the text is used";
  std::string sent;
  for (std::size_t i = 0; i < chunks; ++i) sent += "7\r\n" + chunk + "\r\n";
  ASSERT_TRUE(output.send());
  EXPECT_TRUE(peer.receive() == sent + "0\r\n\r\n");
}

TEST_F(OutputTest, WhatTheSocketDoesNotTakeIsKeptAndSentLater) {
  peer.shrink();
  std::string sent;
  std::vector<std::string> pieces;
  for (char c = 'a'; c < 'e'; ++c) pieces.emplace_back(60'000, c);
  for (const std::string& piece : pieces) {
    output.add(piece);
    sent += piece;
  }
  ASSERT_TRUE(output.send());
  ASSERT_FALSE(output.drained());
  EXPECT_FALSE(stream.socket().writable) << "a short write says so";
  for (std::string& piece : pieces) piece.assign(piece.size(), '!');  // the views need not live any longer
  std::string received = peer.receive();
  for (int turn = 0; turn < 1000 && !output.drained(); ++turn) {
    ASSERT_TRUE(output.flush());
    received += peer.receive();
  }
  EXPECT_TRUE(output.drained());
  EXPECT_TRUE(received == sent) << received.size() << " of " << sent.size();
}

TEST_F(OutputTest, FlushOfABlockedSocketIsNoFailure) {
  peer.shrink();
  const std::string much(1'000'000, 'x');
  output.add(much);
  ASSERT_TRUE(output.send());
  EXPECT_TRUE(output.flush());
  EXPECT_FALSE(output.drained());
}

TEST_F(OutputTest, ABrokenConnectionIsToldBySendAndByFlush) {
  peer.shrink();
  const std::string much(1'000'000, 'x');
  output.add(much);
  ASSERT_TRUE(output.send());
  peer.close();
  EXPECT_FALSE(output.flush());

  PlainStream other;
  SocketPair gone(other.socket());
  Output to_nobody(other, gather);
  gone.close();
  to_nobody.add("x");
  EXPECT_FALSE(to_nobody.send());
}

TEST_F(OutputTest, OutputsOfOneWorkerShareTheScratchOneAfterTheOther) {
  PlainStream other_stream;
  SocketPair other_peer(other_stream.socket());
  Output other(other_stream, gather);
  output.text().append("first");
  output.add(output.text().view());
  ASSERT_TRUE(output.send());
  other.text().append("second");
  other.add(other.text().view());
  ASSERT_TRUE(other.send());
  EXPECT_EQ(peer.receive(), "first");
  EXPECT_EQ(other_peer.receive(), "second");
}

TEST_F(OutputTest, TextThatDidNotFitMakesTheSendFail) {
  output.text().append(std::string(GatherScratch::text_size + 1, 'x'));
  EXPECT_FALSE(output.send());
  EXPECT_TRUE(output.send()) << "the next message begins anew";
}

}  // namespace
}  // namespace fairlead

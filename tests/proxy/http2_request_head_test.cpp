#include "proxy/http2_request_head.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "proxy/http2_memory.hpp"

namespace fairlead {
namespace {

struct Http2RequestHeadTest : testing::Test {
  int of(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
    head.clear();
    for (const auto& [name, value] : fields) head.field(name, value);
    limit = {};
    return head.complete(random, limit);
  }

  Limits limits;
  Random random{1};
  Http2RequestHead head{limits};
  std::string_view limit;
};

TEST_F(Http2RequestHeadTest, BecomesTheHttp11HeadThatSaysTheSame) {
  EXPECT_EQ(of({{":method", "GET"}, {":path", "/a?b"}, {":scheme", "https"}, {":authority", "a.test"}, {"x", "y"}}), 0);
  EXPECT_EQ(head.text(), "GET /a?b HTTP/1.1\r\nx: y\r\nhost: a.test\r\n\r\n");
}

TEST_F(Http2RequestHeadTest, AHostStandsForAnAuthorityThatIsNotThere) {
  EXPECT_EQ(of({{":method", "GET"}, {":path", "/"}, {"host", "a.test"}}), 0);
  EXPECT_EQ(head.text(), "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
  EXPECT_EQ(of({{":method", "GET"}, {":path", "/"}, {":authority", "a.test"}, {"host", "A.TEST"}}), 0);
  EXPECT_EQ(of({{":method", "GET"}, {":path", "/"}, {":authority", "a.test"}, {"host", "b.test"}}), 400);
}

TEST_F(Http2RequestHeadTest, CrumbsBecomeOneCookie) {
  EXPECT_EQ(of({{":method", "GET"}, {":path", "/"}, {":authority", "a"}, {"cookie", "a=1"}, {"cookie", "b=2"}}), 0);
  EXPECT_EQ(head.text(), "GET / HTTP/1.1\r\ncookie: a=1; b=2\r\nhost: a\r\n\r\n");
}

TEST_F(Http2RequestHeadTest, ItsLimitsAreThoseOfHttp11) {
  limits.max_header_count = 2;
  EXPECT_EQ(of({{":method", "GET"}, {":path", "/"}, {"a", "1"}, {"b", "2"}, {"c", "3"}}), 431);
  EXPECT_EQ(limit, "max_header_count");
  limits.max_request_line_bytes = 20;
  EXPECT_EQ(of({{":method", "GET"}, {":path", "/67890123456789"}}), 414);
  EXPECT_EQ(limit, "max_request_line_bytes");
  limits.max_request_head_bytes = 60;
  EXPECT_EQ(of({{":method", "GET"}, {":path", "/"}, {"a", "1234567890123456789012345678901234567890"}}), 431);
  EXPECT_EQ(limit, "max_request_head_bytes");
}

TEST_F(Http2RequestHeadTest, ATunnelIsAskedForAsAnUpgrade) {
  EXPECT_EQ(of({{":method", "CONNECT"}, {":protocol", "websocket"}, {":path", "/c"}, {":authority", "a"}}), 0);
  EXPECT_TRUE(head.is_tunnel());
  const std::string text(head.text());
  EXPECT_TRUE(text.starts_with("GET /c HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-key: "));
  EXPECT_TRUE(text.ends_with("==\r\nhost: a\r\n\r\n"));
  EXPECT_EQ(of({{":method", "CONNECT"}, {":protocol", "other"}, {":path", "/c"}, {":authority", "a"}}), 501);
}

TEST(Http2Memory, GivesBackWhatItGot) {
  Http2Memory memory;
  void* const first = memory.allocate(100);
  memory.release(first);
  EXPECT_EQ(memory.allocate(98), first) << "of the same size class";
  memory.release(first);
  char* const text = static_cast<char*>(memory.allocate(20));
  std::copy_n("nineteen characters", 20, text);
  char* const longer = static_cast<char*>(memory.resize(text, 20'000));
  EXPECT_STREQ(longer, "nineteen characters");
  memory.release(longer);
  EXPECT_EQ(memory.allocate(0), nullptr);
}

TEST(Http2Memory, EverySizeHasRoom) {
  Http2Memory memory;
  std::vector<void*> blocks;
  for (std::size_t size = 1; size < 24'000; size += size < 5'000 ? 1 : 97) {
    void* const block = memory.allocate(size);
    std::memset(block, static_cast<int>(size), size);  // what is too small is found by AddressSanitizer
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t), 0u);
    blocks.push_back(block);
  }
  for (void* const block : blocks) memory.release(block);
}

// Buffers for frames are used again, and what was beyond their first page is given back to the system in between.
TEST(Http2Memory, ABufferForFramesIsNoMemoryWhereItWasNotTouched) {
  Http2Memory memory;
  char* const buffer = static_cast<char*>(memory.allocate(Http2Memory::least_frame + 10));
  std::memset(buffer, 'x', Http2Memory::least_frame + 10);
  memory.release(buffer);
  char* const again = static_cast<char*>(memory.allocate(Http2Memory::least_frame));
  EXPECT_EQ(again, buffer);
  EXPECT_EQ(again[Http2Memory::least_frame - 1], 0);
  memory.release(again);
}

TEST(Http2Memory, WhileASessionRestsItsTableIsKeptUnlessItIsEmpty) {
  Http2Memory memory;
  char* const table = static_cast<char*>(memory.allocate(Http2Memory::table));
  char* const frame = static_cast<char*>(memory.allocate(Http2Memory::least_frame));
  const Http2Memory::Pieces pieces = memory.last_pieces();
  EXPECT_EQ(pieces.table, table);
  EXPECT_EQ(pieces.frame, frame);
  EXPECT_EQ(memory.last_pieces().table, nullptr);
  const auto resident = [](void* page) {
    unsigned char in_memory = 0;
    EXPECT_EQ(::mincore(page, Http2Memory::page, &in_memory), 0);
    return (in_memory & 1) != 0;
  };
  std::memset(table, 0, Http2Memory::table);
  table[Http2Memory::table - 1] = 'x';
  frame[0] = 'x';
  Http2Memory::rest(pieces);
  EXPECT_EQ(table[Http2Memory::table - 1], 'x');
  EXPECT_FALSE(resident(frame));
  table[Http2Memory::table - 1] = 0;
  Http2Memory::rest(pieces);
  EXPECT_FALSE(resident(table));
  EXPECT_EQ(table[0], 0);
  memory.release(table);
  memory.release(frame);
}

}  // namespace
}  // namespace fairlead

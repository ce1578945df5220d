#include "proxy/input_buffer.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <string>

namespace fairlead {
namespace {

// Gives one prepared answer a read.
class ScriptedStream final : public Stream {
 public:
  IoCount read(char* data, std::size_t size) override {
    if (script.empty()) return io_blocked;
    const std::string next = script.front().substr(0, size);
    script.pop_front();
    next.copy(data, next.size());
    return static_cast<IoCount>(next.size());
  }
  IoCount write(std::span<const iovec>, bool) override { return io_blocked; }
  IoCount flush() override { return io_end; }
  void shutdown_write() override {}
  bool has_buffered() const override { return false; }
  Socket& socket() override { return socket_; }

  std::deque<std::string> script;

 private:
  Socket socket_;
};

struct InputBufferTest : testing::Test {
  ScratchBuffer scratch;
  ScriptedStream stream;
};

TEST_F(InputBufferTest, BytesAreReadBehindThoseStillUnread) {
  InputBuffer input(scratch);
  stream.script = {"abc", "def"};
  EXPECT_EQ(input.fill(stream), 3);
  input.consume(1);
  EXPECT_EQ(input.fill(stream), 3);
  EXPECT_EQ(input.unread(), "bcdef");
}

TEST_F(InputBufferTest, UnreadBytesSurviveAnotherConnectionsRead) {
  InputBuffer first(scratch), second(scratch);
  stream.script = {"first's bytes", "second's", " and more"};
  first.fill(stream);
  first.consume(8);
  second.fill(stream);
  EXPECT_EQ(first.unread(), "bytes");
  EXPECT_EQ(second.unread(), "second's");
  first.fill(stream);
  EXPECT_EQ(first.unread(), "bytes and more");
  EXPECT_EQ(second.unread(), "second's");
}

TEST_F(InputBufferTest, NeverHoldsMoreThanTheScratch) {
  InputBuffer input(scratch);
  stream.script = {std::string(ScratchBuffer::size - 10, 'x'), std::string(100, 'y')};
  input.fill(stream);
  EXPECT_EQ(input.room(), 10u);
  EXPECT_EQ(input.fill(stream), 10);
  EXPECT_EQ(input.room(), 0u);
}

TEST_F(InputBufferTest, ADestroyedTenantIsNotAskedToMove) {
  {
    InputBuffer gone(scratch);
    stream.script = {"left behind"};
    gone.fill(stream);
  }
  InputBuffer next(scratch);
  stream.script = {"fresh"};
  next.fill(stream);
  EXPECT_EQ(next.unread(), "fresh");
}

}  // namespace
}  // namespace fairlead

#include "proxy/plain_stream.hpp"

#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string>

#include "proxy/pipe_pool.hpp"
#include "tests/proxy/tcp_pair.hpp"

namespace fairlead {
namespace {

class PlainStreamTest : public testing::Test {
 protected:
  PlainStreamTest() {
    connect_by_tcp(peer, stream.socket());
    const int on = 1;  // as every connection of ours has it
    ::setsockopt(stream.socket().fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::string bytes(few, 'x');
    EXPECT_EQ(::write(pipe.write_end, bytes.data(), few), static_cast<ssize_t>(few));
  }
  ~PlainStreamTest() override { pipes.give_back(pipe, true); }

  // Bytes that the kernel has and did not send yet.
  int held_back() {
    int count = -1;
    EXPECT_EQ(::ioctl(stream.socket().fd, SIOCOUTQNSD, &count), 0);
    return count;
  }

  static constexpr std::size_t few = 1000;  // less than any segment
  PipePool pipes{1};
  Pipe pipe = pipes.take();
  PlainStream stream;
  Socket peer;
};

TEST_F(PlainStreamTest, SplicedBytesLeaveAtOnce) {
  ASSERT_EQ(stream.splice_from(pipe.read_end, few, false), static_cast<IoCount>(few));
  EXPECT_EQ(held_back(), 0);
}

TEST_F(PlainStreamTest, SplicedBytesThatMoreFollowsWaitUntilTheyArePushed) {
  ASSERT_EQ(stream.splice_from(pipe.read_end, few, true), static_cast<IoCount>(few));
  ASSERT_EQ(held_back(), static_cast<int>(few));
  stream.push();
  EXPECT_EQ(held_back(), 0);
}

TEST_F(PlainStreamTest, SplicedBytesThatWaitLeaveWithWhatIsWrittenNext) {
  ASSERT_EQ(stream.splice_from(pipe.read_end, few, true), static_cast<IoCount>(few));
  char last = '.';
  const iovec piece{&last, 1};
  ASSERT_EQ(stream.write({&piece, 1}, false), 1);
  EXPECT_EQ(held_back(), 0);
}

}  // namespace
}  // namespace fairlead

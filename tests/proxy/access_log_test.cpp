#include "proxy/access_log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/allocation_count.hpp"

namespace fairlead {
namespace {

constexpr std::size_t some_lines = 100;

ExchangeRecord record_of(std::string_view target) {
  ExchangeRecord record;
  record.client = *IpAddress::parse("192.0.2.7");
  record.method = "GET";
  record.target = target;
  record.status = 200;
  return record;
}

std::size_t count_lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

class AFile : public testing::Test {
 protected:
  AFile() : path_(std::filesystem::temp_directory_path() / ("access_log_test." + std::to_string(::getpid()))) {
    std::filesystem::remove(path_);
  }
  ~AFile() override { std::filesystem::remove(path_); }

  std::string content() const {
    std::ostringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }

  const std::filesystem::path path_;
  Counter dropped_;
};

// A pair of descriptors of which the second is read.
struct Ends {
  int in = -1;
  int out = -1;

  static Ends of_pipe(int flags = 0) {
    int fds[2];
    EXPECT_EQ(::pipe2(fds, flags), 0);
    return {fds[1], fds[0]};
  }
  static Ends of_socket() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    return {fds[0], fds[1]};
  }
  void close_out() {
    ::close(out);
    out = -1;
  }
  std::string read_all() const {
    ::fcntl(out, F_SETFL, O_NONBLOCK);
    std::string text;
    char piece[4096];
    for (ssize_t size = 0; (size = ::read(out, piece, sizeof piece)) > 0;) text.append(piece, size);
    return text;
  }
  Ends(int a, int b) : in(a), out(b) {}
  Ends(Ends&& other) noexcept : in(std::exchange(other.in, -1)), out(std::exchange(other.out, -1)) {}
  ~Ends() {
    if (in >= 0) ::close(in);
    if (out >= 0) ::close(out);
  }
};

using AccessLogToAFile = AFile;

TEST_F(AccessLogToAFile, AppendsWholeLinesOnFlush) {
  auto target = AccessLogTarget::open(path_);
  ASSERT_TRUE(target) << target.error().message;
  AccessLog log(target->fd(), AccessLogFormat::upstreaminfo, dropped_);
  EXPECT_TRUE(log.on());
  log.write(record_of("/one"));
  EXPECT_EQ(content(), "");
  log.flush();
  EXPECT_EQ(count_lines(content()), 1u);
  EXPECT_NE(content().find("\"GET /one HTTP/1.1\""), std::string::npos);
  log.write(record_of("/two"));
  log.flush();
  EXPECT_EQ(count_lines(content()), 2u);
}

TEST_F(AccessLogToAFile, FlushesWhenItEnds) {
  auto target = AccessLogTarget::open(path_);
  AccessLog(target->fd(), AccessLogFormat::json, dropped_).write(record_of("/one"));
  EXPECT_NE(content().find("\"uri\":\"/one\""), std::string::npos);
}

TEST_F(AccessLogToAFile, IsWrittenWhenTheBufferIsFullAndLosesNothing) {
  auto target = AccessLogTarget::open(path_);
  constexpr std::size_t lines = 5000;
  {
    AccessLog log(target->fd(), AccessLogFormat::upstreaminfo, dropped_);
    for (std::size_t i = 0; i < lines; ++i) log.write(record_of("/" + std::to_string(i)));
    EXPECT_GT(count_lines(content()), lines / 2);
  }
  EXPECT_EQ(count_lines(content()), lines);
  EXPECT_EQ(dropped_.value(), 0u);
}

TEST_F(AccessLogToAFile, CutsAValueThatWouldMakeTheLineTooLong) {
  auto target = AccessLogTarget::open(path_);
  const std::string hostile(60'000, '\x01');
  {
    AccessLog log(target->fd(), AccessLogFormat::json, dropped_);
    ExchangeRecord record = record_of(hostile);
    record.user_agent = record.referer = record.remote_user = record.normal_path = hostile;
    log.write(record);
  }
  EXPECT_EQ(count_lines(content()), 1u);
  EXPECT_LT(content().size(), 40'000u);
  EXPECT_EQ(dropped_.value(), 0u);
}

TEST_F(AccessLogToAFile, AllocatesNothingOnceItStands) {
  auto target = AccessLogTarget::open(path_);
  AccessLog log(target->fd(), AccessLogFormat::json, dropped_);
  const ExchangeRecord record = record_of("/one");
  const std::size_t before = allocation_count();
  for (std::size_t i = 0; i < 2000; ++i) log.write(record);
  log.flush();
  EXPECT_EQ(allocation_count(), before);
}

TEST_F(AccessLogToAFile, SaysWhyItCannotBeOpened) {
  const auto target = AccessLogTarget::open("/no/such/folder/access.log");
  ASSERT_FALSE(target);
  EXPECT_NE(target.error().message.find("/no/such/folder/access.log"), std::string::npos) << target.error().message;
  EXPECT_NE(target.error().message.find("No such file"), std::string::npos) << target.error().message;
}

TEST(AccessLog, ThatIsOffWritesNothing) {
  auto target = AccessLogTarget::open("off");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->fd(), -1);
  Counter dropped;
  AccessLog log(target->fd(), AccessLogFormat::json, dropped);
  EXPECT_FALSE(log.on());
  log.write(record_of("/"));
  log.flush();
  EXPECT_EQ(dropped.value(), 0u);
}

TEST(AccessLog, OfStandardOutputLeavesItsFlagsAlone) {
  const int flags = ::fcntl(STDOUT_FILENO, F_GETFL);
  {
    auto target = AccessLogTarget::open("-");
    ASSERT_TRUE(target);
    EXPECT_NE(target->fd(), STDOUT_FILENO);
    EXPECT_EQ(::fcntl(STDOUT_FILENO, F_GETFL), flags);
  }
  EXPECT_EQ(::fcntl(STDOUT_FILENO, F_GETFL), flags);
}

void expect_dropped_not_stalled(const Ends& ends) {
  Counter dropped;
  constexpr std::size_t lines = 20'000;  // more than the pipe or socket and the buffer hold
  AccessLog log(ends.in, AccessLogFormat::upstreaminfo, dropped);
  for (std::size_t i = 0; i < lines; ++i) log.write(record_of("/" + std::to_string(i)));
  EXPECT_GT(dropped.value(), 0u);
  std::string text;
  for (std::string more; !(more = ends.read_all()).empty(); log.flush()) text += more;
  EXPECT_EQ(count_lines(text) + dropped.value(), lines);
  EXPECT_EQ(text.back(), '\n');
  // Nothing was torn: each line begins and ends as a line does.
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    ASSERT_TRUE(line.starts_with("192.0.2.7 - - [") && line.ends_with(" - - - - -")) << line;
  }
}

TEST(AccessLog, ToAPipeThatNobodyReadsDropsLinesAndGoesOn) {
  expect_dropped_not_stalled(Ends::of_pipe());
}

TEST(AccessLog, ToANonBlockingPipeThatNobodyReadsDropsLinesAndGoesOn) {
  expect_dropped_not_stalled(Ends::of_pipe(O_NONBLOCK));
}

TEST(AccessLog, ToASocketThatNobodyReadsDropsLinesAndGoesOn) {
  expect_dropped_not_stalled(Ends::of_socket());
}

TEST(AccessLog, ToAPipeKeepsALineWithinWhatIsWrittenWhole) {
  const Ends ends = Ends::of_pipe();
  Counter dropped;
  const std::string hostile(8'000, '\xff');
  {
    AccessLog log(ends.in, AccessLogFormat::json, dropped);
    ExchangeRecord record = record_of(hostile);
    record.user_agent = record.referer = record.remote_user = record.normal_path = record.request_id = hostile;
    record.attempt_count = ExchangeRecord::max_attempts;
    log.write(record);
  }
  const std::string line = ends.read_all();
  EXPECT_EQ(count_lines(line), 1u);
  EXPECT_LE(line.size(), std::size_t{PIPE_BUF});
  EXPECT_EQ(dropped.value(), 0u);
}

TEST(AccessLog, CountsTheLinesThatNobodyTookUntilTheEnd) {
  Ends ends = Ends::of_socket();
  ends.close_out();
  Counter dropped;
  {
    AccessLog log(ends.in, AccessLogFormat::upstreaminfo, dropped);
    for (std::size_t i = 0; i < some_lines; ++i) log.write(record_of("/"));
    EXPECT_EQ(dropped.value(), 0u);
  }
  EXPECT_EQ(dropped.value(), some_lines);
}

}  // namespace
}  // namespace fairlead

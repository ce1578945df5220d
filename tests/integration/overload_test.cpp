#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "tests/support/test_proxy.hpp"

namespace fairlead {
namespace {

using namespace test;

// UBSan opens a pipe to look at an object's type, and takes one it cannot open for a bad object.
constexpr bool needs_descriptors_itself() {
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
  return true;
#endif
#endif
  return false;
}

// Leaves this process room for so many further descriptors, until it is destroyed.
class FewDescriptors {
 public:
  explicit FewDescriptors(std::size_t left) {
    // The limit is on numbers, not on how many there are: the holes below it are filled first.
    const int highest = highest_descriptor();
    int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (; fd >= 0 && fd < highest; fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) fillers_.push_back(fd);
    if (fd >= 0) ::close(fd);
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(highest) + 1 + left;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~FewDescriptors() {
    ::setrlimit(RLIMIT_NOFILE, &before_);
    for (const int fd : fillers_) ::close(fd);
  }

 private:
  static int highest_descriptor() {
    int found = 0;
    for (int fd = 0; fd < 4096; ++fd) found = ::fcntl(fd, F_GETFD) != -1 ? fd : found;
    return found;
  }

  rlimit before_{};
  std::vector<int> fillers_;
};

class Overload : public testing::Test {
 protected:
  void SetUp() override {
    if (needs_descriptors_itself()) GTEST_SKIP() << "not under UBSan, which needs descriptors of its own";
  }
  Overload() {
    proxy.route("a.test", "/", {origin.port()});
    proxy.start();
  }
  std::uint64_t shed() const { return proxy.counter(&WorkerCounters::shed); }
  std::string get(RawSocket& client) {
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    return read_response(client).body;
  }

  Origin origin{Origin::saying("hello")};
  TestProxy proxy;
};

TEST_F(Overload, WithoutDescriptorsNewConnectionsAreShedAndOldOnesServed) {
  RawSocket old = proxy.connect();
  EXPECT_EQ(get(old), "hello");
  {
    // Each new client takes one descriptor here, in this same process; none is left for the proxy's side.
    const FewDescriptors few(1);
    for (std::uint64_t i = 1; i <= 5; ++i) {
      RawSocket client = proxy.connect();
      ASSERT_TRUE(client.open());
      EXPECT_TRUE(client.at_end()) << "closed at once, not left waiting";
      EXPECT_TRUE(TestProxy::eventually([&] { return shed() == i; }));
      EXPECT_EQ(get(old), "hello");
    }
  }
  EXPECT_EQ(proxy.counter(&WorkerCounters::accept_errors), 5u) << "one each: no spinning while nobody waits";
  EXPECT_NE(proxy.log.text().find("a connection cannot be accepted: Too many open files"), std::string::npos);
  EXPECT_EQ(proxy.get("a.test").body, "hello") << "with descriptors again";
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 1; }));
}

TEST_F(Overload, TheLogIsNotFlooded) {
  {
    const FewDescriptors few(1);
    for (std::uint64_t i = 1; i <= 20; ++i) {
      RawSocket client = proxy.connect();
      EXPECT_TRUE(client.at_end());
      EXPECT_TRUE(TestProxy::eventually([&] { return shed() == i; }));
    }
  }
  const std::string text = proxy.log.text();
  const std::size_t first = text.find("cannot be accepted");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(text.find("cannot be accepted", first + 1), std::string::npos);
}

TEST_F(Overload, WithoutDescriptorsForTheUpstreamTheAnswerIs502) {
  RawSocket client = proxy.connect();
  EXPECT_EQ(get(client), "hello");
  Origin other(Origin::saying("other"));
  proxy.route("b.test", "/", {other.port()});
  proxy.publish();
  {
    const FewDescriptors few(0);
    client.send("GET / HTTP/1.1\r\nHost: b.test\r\n\r\n");
    EXPECT_EQ(read_response(client).status, 502);
    EXPECT_NE(proxy.log.text().find("no file descriptor is left"), std::string::npos);
    EXPECT_EQ(get(client), "hello") << "over the connection that is there";
  }
  client.send("GET / HTTP/1.1\r\nHost: b.test\r\n\r\n");
  EXPECT_EQ(read_response(client).body, "other");
}

// More come than can be had; who comes later is served.
TEST_F(Overload, AFloodIsSurvived) {
  constexpr std::size_t many = 40, room = 10;
  for (int round = 0; round < 3; ++round) {
    const std::uint64_t before = shed();
    std::vector<RawSocket> flood;
    for (std::size_t i = 0; i < many; ++i) flood.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    {
      const FewDescriptors few(room);
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(proxy.http_port());
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      for (const RawSocket& client : flood) {
        ASSERT_EQ(::connect(client.fd(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
      }
      EXPECT_TRUE(TestProxy::eventually([&] { return shed() >= before + many - room; })) << shed();
    }
    EXPECT_EQ(proxy.get("a.test").body, "hello");
    flood.clear();
    EXPECT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 0; }));
  }
}

// Whatever it is that lacks a descriptor.
TEST_F(Overload, AStartWithTooFewDescriptorsFailsAndSaysWhy) {
  bool started = false;
  for (std::size_t left = 0; left < 100 && !started; ++left) {
    const FewDescriptors few(left);
    const auto workers = Workers::start(proxy.options, proxy.log);
    started = workers.has_value();
    if (!started) {
      EXPECT_NE(workers.error().message.find("cannot "), std::string::npos) << workers.error().message;
    }
  }
  EXPECT_TRUE(started);
}

}  // namespace
}  // namespace fairlead

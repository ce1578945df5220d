#include "proxy/admin.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "proxy/admin_http.hpp"

namespace fairlead {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr int seconds_until_failed = 10;

// A client that sends and receives bytes as they are.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience{.tv_sec = seconds_until_failed, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }
  RawClient(RawClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~RawClient() {
    if (fd_ >= 0) ::close(fd_);
  }

  void send(std::string_view bytes) const { ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

  // Until the server closes.
  std::string rest() const {
    std::string text;
    for (std::string more; !(more = some()).empty();) text += more;
    return text;
  }
  std::string some() const {
    char piece[4096];
    const ssize_t size = ::recv(fd_, piece, sizeof piece, 0);
    return size > 0 ? std::string(piece, static_cast<std::size_t>(size)) : "";
  }
  std::string until(std::string_view end) const {
    std::string text;
    while (text.find(end) == std::string::npos) {
      const std::string more = some();
      if (more.empty()) break;
      text += more;
    }
    return text;
  }

 private:
  int fd_;
};

class AdminServing : public testing::Test {
 protected:
  void start(AdminOptions options = {}) {
    options.port = 0;
    AdminSources sources;
    sources.ready = &ready_;
    sources.metrics = [this]() -> std::string {
      if (broken_) throw std::runtime_error("broken on purpose");
      return "some_metric 1\n";
    };
    auto started = Admin::start(options, sources, log_);
    ASSERT_TRUE(started) << started.error().message;
    admin_ = std::move(*started);
  }

  std::string ask(std::string_view bytes) const {
    const RawClient client(admin_->port());
    client.send(bytes);
    return client.rest();
  }

  NoLog log_;
  Ready ready_{1};
  std::atomic<bool> broken_{false};
  std::unique_ptr<Admin> admin_;
};

TEST_F(AdminServing, AnswersAGet) {
  start();
  const std::string answer = ask("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\nok\n")) << answer;
}

TEST_F(AdminServing, AnswersAHeadWithoutABody) {
  start();
  const std::string answer = ask("HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 14\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(AdminServing, SaysNotReadyWithItsReason) {
  start();
  EXPECT_THAT(ask("GET /readyz HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
}

TEST_F(AdminServing, KeepsTheConnection) {
  start();
  const RawClient client(admin_->port());
  for (int i = 0; i < 3; ++i) {
    client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(client.until("ok\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
  client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string both = client.rest();
  EXPECT_THAT(both, HasSubstr("200 OK"));
  EXPECT_THAT(both, HasSubstr("404 Not Found"));
}

TEST_F(AdminServing, RefusesOtherMethodsAndBodies) {
  start();
  const std::string posted = ask("POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_THAT(posted, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(posted, HasSubstr("Allow: GET, HEAD\r\n"));
  EXPECT_THAT(ask("GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(ask("GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(ask("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(AdminServing, RefusesAHeadThatIsTooLarge) {
  AdminOptions options;
  options.max_request_bytes = 256;
  start(options);
  EXPECT_THAT(ask("GET /healthz HTTP/1.1\r\nX: " + std::string(300, 'x') + "\r\n\r\n"), StartsWith("HTTP/1.1 431 "));
  const std::string filler(256 - std::string_view("GET /healthz HTTP/1.0\r\nX: \r\n\r\n").size(), 'x');
  EXPECT_THAT(ask("GET /healthz HTTP/1.0\r\nX: " + filler + "\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask("GET /healthz HTTP/1.0\r\nX: " + filler + "x\r\n\r\n"), StartsWith("HTTP/1.1 431 "));
}

TEST_F(AdminServing, ClosesAConnectionThatSaysNothing) {
  AdminOptions options;
  options.request_timeout = milliseconds(20);
  start(options);
  EXPECT_EQ(ask(""), "");
  EXPECT_EQ(ask("GET /healthz HT"), "");
}

TEST_F(AdminServing, LetsConnectionsBeyondTheLimitWait) {
  AdminOptions options;
  options.max_connections = 1;
  start(options);
  RawClient first(admin_->port());
  first.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(first.until("ok\n"), StartsWith("HTTP/1.1 200"));
  const RawClient second(admin_->port());
  second.send("GET /healthz HTTP/1.0\r\n\r\n");
  { const RawClient gone = std::move(first); }
  EXPECT_THAT(second.rest(), StartsWith("HTTP/1.1 200"));
}

TEST_F(AdminServing, SurvivesAPageThatCannotBeMade) {
  start();
  broken_ = true;
  const std::string answer = ask("GET /metrics HTTP/1.0\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, Not(HasSubstr("on purpose")));
  EXPECT_THAT(ask("GET /healthz HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(AdminServing, StopsWithConnectionsOpen) {
  start();
  const RawClient idle(admin_->port());
  const RawClient half(admin_->port());
  half.send("GET /heal");
  const RawClient kept(admin_->port());
  kept.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(kept.until("ok\n"), HasSubstr("200"));
  admin_.reset();
  EXPECT_EQ(kept.rest(), "");
}

TEST_F(AdminServing, SaysWhyItCannotListen) {
  start();
  AdminOptions taken;
  taken.port = admin_->port();
  const auto second =
      Admin::start(taken, AdminSources{.ready = &ready_, .metrics = {}, .problems = {}, .snapshot = {}}, log_);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("cannot listen on port " + std::to_string(taken.port)));
  EXPECT_THAT(second.error().message, HasSubstr("in use"));
  AdminOptions nameless;
  nameless.host = "no-address";
  const auto third =
      Admin::start(nameless, AdminSources{.ready = &ready_, .metrics = {}, .problems = {}, .snapshot = {}}, log_);
  ASSERT_FALSE(third);
  EXPECT_THAT(third.error().message, HasSubstr("no-address"));
}

TEST(AdminRequest, IsReadOnceItsHeadIsWhole) {
  const std::string bytes = "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n";
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(read_admin_request(bytes.substr(0, size), 1024)) << size;
  }
  const auto request = read_admin_request(bytes + "GET", 1024);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->size, bytes.size());
  EXPECT_EQ(request->target, "/a?b");
  EXPECT_TRUE(request->keep_alive);
  EXPECT_FALSE(request->is_head || request->objection);
}

}  // namespace
}  // namespace fairlead

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/support/gate.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/test_proxy.hpp"

// Large bodies of known length between plain connections, which the kernel moves from socket to socket.
namespace fairlead {
namespace {

using namespace test;
using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::size_t large = 5 * 1024 * 1024 + 17;  // several pipes, and a rest

// Text in which every place is different from its neighbours, so that a lost, doubled or moved byte shows.
std::string text(std::size_t size) {
  std::string all;
  all.reserve(size + 16);
  for (std::size_t i = 0; all.size() < size; ++i) all += std::to_string(i) + ' ';
  all.resize(size);
  return all;
}

std::string head_of(std::size_t length) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

std::string post(std::size_t length) {
  return "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

const std::string get = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

// Of this process, the proxy included.
int open_pipe_ends() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    count += std::filesystem::read_symlink(entry, gone).string().starts_with("pipe:");
  }
  return count;
}

class Splice : public testing::Test {
 protected:
  void serve(const Origin& origin) {
    proxy.route("a.test", "/", {origin.port()},
                [](TestProxy::Routed& routed) { routed.route.settings.max_body_bytes = 0; });
    proxy.start();
    client = proxy.connect();
  }

  TestProxy proxy;
  RawSocket client;
};

TEST_F(Splice, LargeResponsesArriveUnchangedAndTheConnectionsGoOn) {
  const std::string body = text(large);
  Origin origin(Origin::answering([&](const RawRequest&) { return ok(body); }));
  serve(origin);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(ask(client, get).body == body) << i;
  EXPECT_EQ(origin.connections(), 1);
}

TEST_F(Splice, LargeUploadsArriveUnchangedAndTheConnectionsGoOn) {
  const std::string body = text(large);
  Asked asked;
  Origin origin(Origin::keeping(asked));
  serve(origin);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(ask(client, post(large) + body).status, 200);
    ASSERT_TRUE(asked.at(i).body == body) << i;
  }
  EXPECT_EQ(origin.connections(), 1);
  origin.stop();
}

TEST_F(Splice, BodiesAroundTheLeastThatIsSplicedArriveUnchanged) {
  Asked asked;
  Origin origin(Origin::answering([](const RawRequest& request) { return ok(request.body); }));
  serve(origin);
  for (const std::size_t at : {32 * 1024, 64 * 1024, 256 * 1024}) {
    for (std::size_t size = at - 2; size <= at + 2; ++size) {
      const std::string body = text(size);
      ASSERT_TRUE(ask(client, post(size) + body).body == body) << size;
    }
  }
}

TEST_F(Splice, WhatFollowsALargeUploadIsTheNextRequest) {
  const std::string body = text(large);
  Asked asked;
  Origin origin(Origin::keeping(asked));
  serve(origin);
  std::thread sender([&] { client.send(post(large) + body + get); });
  EXPECT_EQ(read_response(client).status, 200);
  EXPECT_EQ(read_response(client).status, 200);
  sender.join();
  EXPECT_TRUE(asked.at(0).body == body);
  EXPECT_EQ(asked.at(1).line(), "GET / HTTP/1.1");
  origin.stop();
}

TEST_F(Splice, AResponseThatBreaksOffIsNeverTakenForAWholeOne) {
  Origin origin([](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    connection.send(head_of(large) + text(large / 2));
  });
  serve(origin);
  client.send(get);
  const RawResponse response = read_response(client);
  EXPECT_FALSE(response.complete);
  EXPECT_LE(response.body.size(), large / 2);
  EXPECT_TRUE(
      TestProxy::eventually([&] { return proxy.log.text().find("closed in the middle") != std::string::npos; }));
}

TEST_F(Splice, AnUploadThatBreaksOffIsNeverTakenForAWholeOne) {
  Gate broken;
  std::atomic<bool> whole{true};
  Origin origin([&](RawSocket& connection) {
    whole = read_request(connection).complete;
    broken.open();
  });
  serve(origin);
  client.send(post(large) + text(large / 2));
  client.reset();
  ASSERT_TRUE(broken.wait());
  EXPECT_FALSE(whole);
}

TEST_F(Splice, AClientThatLeavesEndsTheUpstreamConnection) {
  Gate refused;
  Origin origin([&](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    connection.send(head_of(100 * large));
    const std::string piece = text(large);
    for (int i = 0; i < 100; ++i) {
      if (!connection.send(piece)) break;
    }
    refused.open();
  });
  serve(origin);
  client.send(get);
  ASSERT_EQ(client.read_exactly(large).size(), large);
  client.reset();
  EXPECT_TRUE(refused.wait()) << "the origin goes on sending to nobody";
}

TEST_F(Splice, AClientThatTakesNothingIsLeftAfterItsTime) {
  Origin origin([](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    connection.send(head_of(100 * large));
    const std::string piece = text(large);
    for (int i = 0; i < 100 && connection.send(piece); ++i) {
    }
  });
  proxy.options.limits.client_send_timeout = 300ms;
  serve(origin);
  client.send(get);
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits("client_send_timeout") == 1; }));
}

TEST_F(Splice, ASlowClientHoldsUpNobodyElse) {
  const std::string body = text(8 * large);  // more than all socket buffers on the way hold
  Origin origin(Origin::answering(
      [&](const RawRequest& request) { return request.line().starts_with("GET /small") ? ok("small") : ok(body); }));
  serve(origin);
  client.send(get);
  client.read_until("\r\n\r\n");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(proxy.get("a.test", "/small").body, "small");
  EXPECT_TRUE(client.read_exactly(body.size()) == body);
}

TEST_F(Splice, OnePipeServesOneBodyAfterTheOther) {
  const std::string body = text(large);
  Origin origin(Origin::answering([&](const RawRequest&) { return ok(body); }));
  serve(origin);
  const int before = open_pipe_ends();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(ask(client, get).complete);
    EXPECT_EQ(open_pipe_ends(), before + 2);
  }
}

TEST_F(Splice, BodiesPastTheMaximumOfPipesAreCopied) {
  const std::string body = text(large);
  Origin origin(Origin::answering([&](const RawRequest&) { return ok(body); }));
  proxy.options.limits.max_splice_pipes = 1;
  serve(origin);
  RawSocket other = proxy.connect();
  client.send(get);
  ASSERT_EQ(client.read_until("\r\n\r\n").substr(0, 12), "HTTP/1.1 200");  // has the pipe, and keeps it
  EXPECT_TRUE(ask(other, get).body == body);
  EXPECT_TRUE(client.read_exactly(large) == body);
}

TEST_F(Splice, TheAccessLogCountsBytesThatNobodySaw) {
  const std::string body = text(large);
  Asked asked;
  Origin origin(Origin::answering([&](const RawRequest&) { return ok(body); }));
  const TemporaryFolder folder;
  proxy.options.access_log = folder / "access.log";
  serve(origin);
  EXPECT_TRUE(ask(client, post(large) + body).complete);
  std::string line;
  ASSERT_TRUE(TestProxy::eventually([&] {
    std::ifstream file(folder / "access.log");
    return std::getline(file, line) && !file.eof();
  }));
  const std::string length = std::to_string(large);
  EXPECT_THAT(line, HasSubstr(" 200 " + length + " \"")) << "$body_bytes_sent";
  EXPECT_THAT(line, HasSubstr("127.0.0.1:" + std::to_string(origin.port()) + " " + length))
      << "$upstream_response_length";
  EXPECT_THAT(line, HasSubstr(" " + std::to_string(large + post(large).size()) + " ")) << "$request_length";
}

}  // namespace
}  // namespace fairlead

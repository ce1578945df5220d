#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <vector>

#include "tests/support/gate.hpp"
#include "tests/support/test_proxy.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using namespace test;
using testing::HasSubstr;

// Says this to the first request of a connection, then ends the connection.
Origin::Handler saying_bytes(std::string bytes) {
  return [bytes = std::move(bytes)](RawSocket& connection) {
    if (!read_request(connection).complete) return;
    connection.send(bytes);
    connection.finish();
    connection.at_end();
  };
}

// The same, but breaks the connection.
Origin::Handler saying_then_resetting(std::string bytes) {
  return [bytes = std::move(bytes)](RawSocket& connection) {
    if (!read_request(connection).complete) return;
    connection.send(bytes);
    connection.reset();
  };
}

// Reads all and never answers.
void stay_silent(RawSocket& connection) {
  connection.at_end();
}

// A port that takes no further connection, and does not refuse any: the queue of its listener is full.
class FullPort {
 public:
  FullPort() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    ::bind(listener_.fd(), reinterpret_cast<sockaddr*>(&at), size);
    ::listen(listener_.fd(), 0);
    ::getsockname(listener_.fd(), reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    for (int i = 0; i < 4; ++i) {
      waiting_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      ::connect(waiting_.back().fd(), reinterpret_cast<sockaddr*>(&at), size);
    }
  }
  std::uint16_t port() const { return port_; }

 private:
  RawSocket listener_;
  std::vector<RawSocket> waiting_;
  std::uint16_t port_ = 0;
};

class UpstreamFaults : public testing::Test {
 protected:
  void serve(const std::vector<std::uint16_t>& ports, const std::function<void(TestProxy::Routed&)>& change = {}) {
    proxy.route("a.test", "/", ports, [&](TestProxy::Routed& routed) {
      if (change) change(routed);
    });
    proxy.start();
  }
  RawResponse send(const std::string& method, const std::string& rest = "\r\n") {
    RawSocket client = proxy.connect();
    client.send(method + " / HTTP/1.1\r\nHost: a.test\r\n" + rest);
    return read_response(client);
  }
  RawResponse get() { return send("GET"); }
  RawResponse post() { return send("POST", "Content-Length: 3\r\n\r\nabc"); }
  std::uint64_t connects() const { return proxy.counter(&WorkerCounters::upstream_connects); }
  bool logged(const std::string& text) {
    return TestProxy::eventually([&] { return proxy.log.text().find(text) != std::string::npos; });
  }

  TestProxy proxy;
};

TEST_F(UpstreamFaults, ARefusedConnectionGoesToAnotherEndpoint) {
  Origin origin(Origin::saying("hello"));
  serve({closed_port(), origin.port()});
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(get().body, "hello");
    EXPECT_EQ(post().body, "hello") << "nothing was sent, so a POST may be tried again";
  }
  EXPECT_GT(proxy.counter(&WorkerCounters::upstream_connect_failures), 0u);
}

TEST_F(UpstreamFaults, RefusalsOfAllEndpointsAreA502AfterTheTries) {
  serve({closed_port(), closed_port(), closed_port()},
        [](TestProxy::Routed& routed) { routed.route.settings.next_upstream_tries = 2; });
  EXPECT_EQ(get().status, 502);
  EXPECT_EQ(connects(), 2u);
  EXPECT_TRUE(logged("refused the connection"));
}

TEST_F(UpstreamFaults, NoFurtherEndpointIsTriedWhenTheTimeIsOver) {
  Origin one(stay_silent), other(stay_silent);
  serve({one.port(), other.port()}, [](TestProxy::Routed& routed) {
    routed.route.settings.read_timeout = 150ms;
    routed.route.settings.next_upstream_timeout = 50ms;
  });
  EXPECT_EQ(get().status, 504);
  EXPECT_EQ(connects(), 1u);
}

TEST_F(UpstreamFaults, WithoutEndpointsTheAnswerIs503) {
  serve({});
  EXPECT_EQ(get().status, 503);
  EXPECT_EQ(post().status, 503);
}

TEST_F(UpstreamFaults, AConnectionThatIsNotMadeInTimeIsA504) {
  FullPort full;
  serve({full.port()}, [](TestProxy::Routed& routed) {
    routed.route.settings.connect_timeout = 150ms;
    routed.route.settings.next_upstream_tries = 1;
  });
  EXPECT_EQ(get().status, 504);
  EXPECT_TRUE(logged("took too long"));
}

TEST_F(UpstreamFaults, AConnectionThatIsNotMadeInTimeGoesToAnotherEndpoint) {
  FullPort full;
  Origin origin(Origin::saying("hello"));
  serve({full.port(), origin.port()}, [](TestProxy::Routed& routed) { routed.route.settings.connect_timeout = 100ms; });
  EXPECT_EQ(post().body, "hello");
  EXPECT_EQ(post().body, "hello");
}

TEST_F(UpstreamFaults, SilenceIsA504AfterTheReadTimeout) {
  Origin origin(stay_silent);
  serve({origin.port()}, [](TestProxy::Routed& routed) {
    routed.route.settings.read_timeout = 150ms;
    routed.route.settings.next_upstream_tries = 2;
  });
  EXPECT_EQ(post().status, 504);
  EXPECT_EQ(connects(), 1u) << "a POST is not repeated";
  EXPECT_EQ(get().status, 504);
  EXPECT_EQ(connects(), 3u) << "a GET may be";
  EXPECT_TRUE(logged("proxy-read-timeout"));
}

TEST_F(UpstreamFaults, ABodyThatIsNotTakenIsA504AfterTheSendTimeout) {
  Gate done;
  Origin origin([&](RawSocket&) { done.wait(); });
  serve({origin.port()}, [](TestProxy::Routed& routed) {
    routed.route.settings.send_timeout = 150ms;
    routed.route.settings.max_body_bytes = 0;
  });
  RawSocket client = proxy.connect();
  std::thread sender([&] {
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000000\r\n\r\n" + std::string(64 << 20, 'x'));
  });
  EXPECT_TRUE(logged("proxy-send-timeout"));
  const RawResponse response = read_response(client);
  EXPECT_EQ(response.status, 504);
  done.open();
  client.at_end();
  sender.join();
  EXPECT_EQ(connects(), 1u);
}

struct Death {
  const char* name;
  Origin::Handler handler;
};

// What comes back before there is a whole head.
const std::vector<Death>& deaths() {
  static const std::vector<Death> all = {
      {"closed before a byte", saying_bytes("")},
      {"reset before a byte", saying_then_resetting("")},
      {"closed in the head", saying_bytes("HTTP/1.1 200 OK\r\nContent-Le")},
      {"reset in the head", saying_then_resetting("HTTP/1.1 200 OK\r\nContent-Le")},
      {"closed after an interim response", saying_bytes("HTTP/1.1 102 Processing\r\n\r\n")},
  };
  return all;
}

class UpstreamDeath : public UpstreamFaults, public testing::WithParamInterface<std::size_t> {
 protected:
  Origin origin{deaths()[GetParam()].handler};
};

TEST_P(UpstreamDeath, IsA502AfterTheTriesForAGet) {
  serve({origin.port()}, [](TestProxy::Routed& routed) { routed.route.settings.next_upstream_tries = 2; });
  RawSocket client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  RawResponse response = read_response(client);
  while (response.status == 102) response = read_response(client);
  EXPECT_EQ(response.status, 502);
  EXPECT_EQ(origin.connections(), 2);
}

TEST_P(UpstreamDeath, IsA502AtOnceForAPost) {
  serve({origin.port()});
  RawSocket client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc");
  RawResponse response = read_response(client);
  while (response.status == 102) response = read_response(client);
  EXPECT_EQ(response.status, 502);
  EXPECT_EQ(origin.connections(), 1);
}

std::string name_of(const testing::TestParamInfo<std::size_t>& info) {
  std::string name = deaths()[info.param].name;
  for (char& c : name) c = c == ' ' ? '_' : c;
  return name;
}
INSTANTIATE_TEST_SUITE_P(Each, UpstreamDeath, testing::Range<std::size_t>(0, deaths().size()), name_of);

TEST_F(UpstreamFaults, ASmallBodyOfAnIdempotentRequestIsSentAgain) {
  std::atomic<int> seen{0};
  Origin origin([&](RawSocket& connection) {
    const RawRequest request = read_request(connection);
    if (request.body == "abc" && ++seen == 2) connection.send(ok("stored"));
  });
  serve({origin.port()});
  EXPECT_EQ(send("PUT", "Content-Length: 3\r\n\r\nabc").body, "stored");
  EXPECT_EQ(seen, 2);
}

TEST_F(UpstreamFaults, ABodyThatCannotBeSentAgainIsNot) {
  Origin origin(saying_bytes(""));
  serve({origin.port()});
  EXPECT_EQ(send("PUT", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").status, 502);
  EXPECT_EQ(origin.connections(), 1);
}

struct Garbage {
  const char* response;
  const char* logged;
};

TEST_F(UpstreamFaults, WhatIsNoResponseIsA502AndNotTriedAgain) {
  const Garbage all[] = {
      {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "the status line is malformed"},
      {"HTTP/1.1 2x0 OK\r\n\r\n", "the status line is malformed"},
      {"HTTP/2.0 200 OK\r\n\r\n", "the protocol version is not supported"},
      {"HTTP/1.1 200 OK\nServer: x\n\n", "bare line feed"},
      {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "folded"},
      {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "name is malformed"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
       "Content-Length stands beside Transfer-Encoding"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "more than one Content-Length"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc", "not a number"},
      {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "not a number"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "not exactly one chunked"},
      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.0 message has a Transfer-Encoding"},
      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "without being asked"},
  };
  std::atomic<std::size_t> at{0};
  Origin origin([&](RawSocket& connection) {
    if (!read_request(connection).complete) return;
    connection.send(all[at].response);
    connection.at_end();
  });
  serve({origin.port()});
  for (; at < std::size(all); ++at) {
    EXPECT_EQ(get().status, 502) << all[at].response;
    EXPECT_TRUE(logged(all[at].logged)) << all[at].response;
    EXPECT_EQ(origin.connections(), static_cast<int>(at) + 1) << all[at].response;
  }
}

TEST_F(UpstreamFaults, AReusedConnectionThatDiesUnansweredIsReplacedWithoutATry) {
  Origin origin([](RawSocket& connection) {  // answers once; takes a second request and goes away
    if (!read_request(connection).complete || !connection.send(ok("hello"))) return;
    read_request(connection);
  });
  serve({origin.port()}, [](TestProxy::Routed& routed) { routed.route.settings.next_upstream_tries = 1; });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get().body, "hello");
  EXPECT_EQ(origin.connections(), 3);
  EXPECT_EQ(proxy.counter(&WorkerCounters::upstream_reuses), 2u);
}

TEST_F(UpstreamFaults, APostIsNotRepeatedWhenItsReusedConnectionDies) {
  std::atomic<int> posts{0};
  Origin origin([&](RawSocket& connection) {
    if (!read_request(connection).complete || !connection.send(ok("hello"))) return;
    if (read_request(connection).complete) ++posts;
  });
  serve({origin.port()});
  EXPECT_EQ(get().body, "hello");
  EXPECT_EQ(post().status, 502);
  EXPECT_EQ(posts, 1);
  EXPECT_EQ(origin.connections(), 1);
}

// The end of the idle connection and the request are there at the same time: the dead connection must not be used.
TEST_F(UpstreamFaults, APostNeverGoesOverAConnectionThatIsKnownToHaveEnded) {
  std::atomic<int> closed{0};
  Origin origin([&](RawSocket& connection) {
    if (read_request(connection).complete) connection.send(ok("hello"));
    connection.close();
    ++closed;
  });
  serve({origin.port()});
  RawSocket client = proxy.connect();
  for (int i = 1; i <= 50; ++i) {
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc");
    ASSERT_EQ(read_response(client).body, "hello") << i;
    ASSERT_TRUE(TestProxy::eventually([&] { return closed == i; }));
  }
}

}  // namespace
}  // namespace fairlead

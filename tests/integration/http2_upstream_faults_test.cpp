#include "tests/integration/http2_upstream_front.hpp"
#include "tests/support/tls_socket.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using namespace test;

using Http2UpstreamFaults = Http2UpstreamFront;

TEST_F(Http2UpstreamFaults, AStreamThatWasRefusedIsRepeatedWhateverItsMethod) {
  settings.next_upstream_tries = 2;
  serve([](Http2Client& server) {
    server.reset(server.next_request(), Http2Error::refused_stream);
    const std::int32_t again = server.next_request();
    server.respond(again, 200, server.seen(again).body);
  });
  RawSocket client = proxy.connect();
  const RawResponse response = ask(client, a_post);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "abc");
  EXPECT_EQ(origin->connections(), 1);
}

TEST_F(Http2UpstreamFaults, AStreamThatWasResetIsNotRepeatedIfItIsAPost) {
  settings.next_upstream_tries = 2;
  serve([](Http2Client& server) {
    while (const std::int32_t stream = server.next_request()) server.reset(stream, Http2Error::internal_error);
  });
  RawSocket client = proxy.connect();
  EXPECT_EQ(ask(client, a_post).status, 502);
  EXPECT_TRUE(logged("the upstream reset the stream: INTERNAL_ERROR")) << proxy.log.text();
}

TEST_F(Http2UpstreamFaults, WhatGoawayDoesNotNameIsRepeatedOnAnotherConnection) {
  std::atomic<int> connection{0};
  serve([&](Http2Client& server) {
    const bool first = ++connection == 1;
    const std::int32_t one = server.next_request();
    server.respond(one, 200, "one");
    if (!first) return;
    server.next_request();
    server.frame(Http2FrameType::goaway, 0, 0, Http2Client::number(1) + Http2Client::number(0));
  });
  RawSocket client = proxy.connect();
  EXPECT_EQ(ask(client, a_post).body, "one");
  EXPECT_EQ(ask(client, a_post).body, "one");
  EXPECT_EQ(origin->connections(), 2);
  origin->stop();
}

TEST_F(Http2UpstreamFaults, WhatGoawayNamesIsServedToItsEnd) {
  serve([](Http2Client& server) {
    const std::int32_t stream = server.next_request();
    server.frame(Http2FrameType::goaway, 0, 0, Http2Client::number(1) + Http2Client::number(0));
    server.respond(stream, 200, "served");
  });
  for (int i = 1; i <= 3; ++i) {
    RawSocket client = proxy.connect();
    EXPECT_EQ(ask(client, a_post).body, "served");
    EXPECT_EQ(origin->connections(), i);
  }
}

TEST_F(Http2UpstreamFaults, AClientThatLeavesHasItsStreamCancelled) {
  Gate asked;
  std::atomic<bool> cancelled{false};
  serve([&](Http2Client& server) {
    const std::int32_t stream = server.next_request();
    asked.open();
    server.until([&] { return server.seen(stream).reset; });
    cancelled = server.seen(stream).error == Http2Error::cancel;
    server.respond(server.next_request(), 200, "next");
  });
  RawSocket client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  ASSERT_TRUE(asked.wait());
  client.reset();
  EXPECT_TRUE(TestProxy::eventually([&] { return cancelled.load(); }));
  EXPECT_EQ(proxy.get("a.test").body, "next");
  EXPECT_EQ(origin->connections(), 1);
}

TEST_F(Http2UpstreamFaults, MalformedResponsesAreBadGateways) {
  const test::Http2Fields heads[] = {
      {{"x", "no status"}},
      {{":status", "200"}, {":status", "200"}},
      {{":status", "two"}},
      {{":status", "99"}},
      {{":status", "101"}},
      {{":status", "200"}, {"X-Upper", "1"}},
      {{":status", "200"}, {"connection", "close"}},
      {{":status", "200"}, {"transfer-encoding", "chunked"}},
      {{":status", "200"}, {"x", "a\r\nb: c"}},
      {{":status", "200"}, {"content-length", "5"}},
      {{":status", "200"}, {"content-length", "x"}},
      {{":status", "200"}, {":path", "/"}},
  };
  serve([&](Http2Client& server) {
    for (const test::Http2Fields& head : heads) server.headers(server.next_request(), head);
    server.respond(server.next_request(), 200, "sound");
  });
  for (const test::Http2Fields& head : heads) {
    EXPECT_EQ(proxy.get("a.test").status, 502) << head.back().first << ": " << head.back().second;
  }
  EXPECT_EQ(proxy.get("a.test").body, "sound");
  EXPECT_EQ(origin->connections(), 1) << "one bad stream is not the connection's fault";
}

TEST_F(Http2UpstreamFaults, ABodyOfAnotherLengthIsCut) {
  serve([](Http2Client& server) {
    const std::int32_t stream = server.next_request();
    server.headers(stream, {{":status", "200"}, {"content-length", "5"}}, Http2Client::end_headers);
    server.data(stream, "four", true);
  });
  const RawResponse response = proxy.get("a.test");
  EXPECT_EQ(response.status, 200);
  EXPECT_FALSE(response.complete);
}

TEST_F(Http2UpstreamFaults, AHeadThatIsTooLargeIsABadGateway) {
  proxy.options.limits.max_response_head_bytes = 4096;
  serve([](Http2Client& server) {
    server.respond(server.next_request(), 200, "", {{"x", std::string(5000, 'x')}});
    server.respond(server.next_request(), 200, "sound");
  });
  EXPECT_EQ(proxy.get("a.test").status, 502);
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits("max_response_head_bytes") == 1; }));
  EXPECT_EQ(proxy.get("a.test").body, "sound");
}

TEST_F(Http2UpstreamFaults, TooManyInterimResponsesAreABadGateway) {
  proxy.options.limits.max_interim_responses = 2;
  serve([](Http2Client& server) {
    const std::int32_t stream = server.next_request();
    for (int i = 0; i < 3; ++i) server.headers(stream, {{":status", "103"}}, Http2Client::end_headers);
    server.respond(stream, 200, "late");
  });
  RawSocket client = proxy.connect();
  RawResponse response = ask(client, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  while (response.status == 103) response = read_response(client);
  EXPECT_EQ(response.status, 502);
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits("max_interim_responses") == 1; }));
}

TEST_F(Http2UpstreamFaults, AnUpstreamThatSpeaksHttp11IsABadGateway) {
  start(std::make_unique<Origin>(Origin::answering([](const RawRequest&) { return ok("plain"); })));
  EXPECT_EQ(proxy.get("a.test").status, 502);
  EXPECT_TRUE(logged("the upstream does not speak HTTP/2")) << proxy.log.text();
}

TEST_F(Http2UpstreamFaults, AnUpstreamThatChoosesNoHttp2IsABadGateway) {
  const SslCtxPtr context = tls_server_context(make_certificate({"any.test"}));
  Origin secure(test::over_tls(context.get(), Origin::saying("plain")));
  proxy.route("a.test", "/", {secure.port()},
              [](TestProxy::Routed& routed) { routed.upstream.protocol = UpstreamProtocol::h2; });
  proxy.start();
  EXPECT_EQ(proxy.get("a.test").status, 502);
  EXPECT_TRUE(logged("the upstream did not choose HTTP/2 in the TLS handshake")) << proxy.log.text();
}

TEST_F(Http2UpstreamFaults, AnUpgradeIsABadGateway) {
  serve([](Http2Client& server) { server.respond(server.next_request(), 200, "next"); });
  RawSocket client = proxy.connect();
  EXPECT_EQ(ask(client, "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").status,
            502);
  EXPECT_TRUE(logged("the upstream speaks HTTP/2, and takes no Upgrade")) << proxy.log.text();
  EXPECT_EQ(proxy.get("a.test").body, "next");
}

TEST_F(Http2UpstreamFaults, WhatComesOnAStreamThatItEndedEndsTheConnection) {
  std::atomic<bool> told{false};
  serve([&](Http2Client& server) {
    const std::int32_t stream = server.next_request();
    server.respond(stream, 200, "whole");
    server.data(stream, "more", true);
    server.read_to_end();
    told = server.goaway_error == Http2Error::stream_closed;
  });
  EXPECT_EQ(proxy.get("a.test").body, "whole");
  EXPECT_TRUE(TestProxy::eventually([&] { return told.load(); }));
}

TEST_F(Http2UpstreamFaults, OneThatRefusesTheConnectionIsABadGateway) {
  lead_to(closed_port());
  proxy.start();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(proxy.get("a.test").status, 502);
  EXPECT_TRUE(logged("the upstream refused the connection")) << proxy.log.text();
}

TEST_F(Http2UpstreamFaults, OneThatNeverSaysItsSettingsIsATimeout) {
  settings.connect_timeout = 200ms;
  start(std::make_unique<Origin>([](RawSocket& connection) { connection.at_end(); }));
  EXPECT_EQ(proxy.get("a.test").status, 504);
  EXPECT_TRUE(logged("the connection to the upstream took too long")) << proxy.log.text();
}

TEST_F(Http2UpstreamFaults, OneThatDoesNotAnswerIsATimeoutAndItsStreamIsCancelled) {
  settings.read_timeout = 200ms;
  std::atomic<bool> cancelled{false};
  serve([&](Http2Client& server) {
    const std::int32_t stream = server.next_request();
    server.until([&] { return server.seen(stream).reset; });
    cancelled = server.seen(stream).error == Http2Error::cancel;
  });
  EXPECT_EQ(proxy.get("a.test").status, 504);
  EXPECT_TRUE(TestProxy::eventually([&] { return cancelled.load(); }));
}

TEST_F(Http2UpstreamFaults, AClosedWindowIsWaitedForAsLongAsASendMayTake) {
  settings.send_timeout = 200ms;
  serve(
      [](Http2Client& server) {
        const std::int32_t stream = server.next_stream();
        server.until([&] { return server.seen(stream).reset; });
        server.respond(server.next_request(), 200, "next");
      },
      Http2Client::setting(4, 0));
  RawSocket client = proxy.connect();
  EXPECT_EQ(ask(client, a_post).status, 504);
  EXPECT_TRUE(logged("the upstream took no bytes for proxy-send-timeout")) << proxy.log.text();
  EXPECT_EQ(proxy.get("a.test").body, "next");
}

TEST_F(Http2UpstreamFaults, AFloodEndsTheConnection) {
  proxy.options.limits.http2_max_control_frames = 50;
  std::atomic<bool> calmed{false};
  serve([&](Http2Client& server) {
    server.next_request();
    for (int i = 0; i < 200; ++i) server.frame(Http2FrameType::ping, 0, 0, "12345678");
    server.read_to_end();
    calmed = server.goaway_error == Http2Error::enhance_your_calm;
  });
  EXPECT_EQ(proxy.get("a.test").status, 502);
  EXPECT_TRUE(TestProxy::eventually([&] { return calmed.load(); }));
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits("http2_max_control_frames") == 1; }));
}

TEST_F(Http2UpstreamFaults, HeadsWithoutEndEndTheConnection) {
  serve([](Http2Client& server) {
    const std::int32_t stream = server.next_request();
    server.frame(Http2FrameType::headers, 0, stream, server.compress({{":status", "200"}}));
    for (int i = 0; i < 20; ++i) server.frame(Http2FrameType::continuation, 0, stream);
    server.read_to_end();
  });
  EXPECT_EQ(proxy.get("a.test").status, 502);
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits("http2_max_continuations") == 1; }));
}

TEST_F(Http2UpstreamFaults, APushIsABrokenRule) {
  serve([](Http2Client& server) {
    const std::int32_t stream = server.next_request();
    server.frame(Http2FrameType::push_promise, 4, stream,
                 Http2Client::number(2) + server.compress({{":method", "GET"}, {":path", "/"}}));
    server.read_to_end();
  });
  EXPECT_EQ(proxy.get("a.test").status, 502);
  EXPECT_TRUE(logged("the upstream broke the rules of HTTP/2")) << proxy.log.text();
}

TEST_F(Http2UpstreamFaults, AConnectionThatBreaksOffIsRepeatedOnAFreshOne) {
  std::atomic<int> connection{0};
  serve([&](Http2Client& server) {
    const bool first = ++connection == 1;
    server.respond(server.next_request(), 200, "one");
    const std::int32_t second = server.next_request();
    if (!first && second > 0) server.respond(second, 200, "two");
  });
  EXPECT_EQ(proxy.get("a.test").body, "one");
  EXPECT_EQ(proxy.get("a.test").body, "one") << "the first connection ended instead of answering";
  EXPECT_EQ(proxy.get("a.test").body, "two");
  origin->stop();
}

TEST_F(Http2UpstreamFaults, AClientThatReadsNothingStallsNobodyElse) {
  start(std::make_unique<Origin>(over_http2([](const Question& question) {
    return Answer{.body = question.target == "/large" ? std::string(20'000'000, 'l') : "small"};
  })));
  RawSocket stalled = proxy.connect();
  stalled.send("GET /large HTTP/1.1\r\nHost: a.test\r\n\r\n");
  ASSERT_FALSE(stalled.read_until("\r\n\r\n").empty());
  for (int i = 0; i < 50; ++i) EXPECT_EQ(proxy.get("a.test", "/small").body, "small");
  EXPECT_EQ(origin->connections(), 1);
}

}  // namespace
}  // namespace fairlead

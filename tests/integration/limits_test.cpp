#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "proxy/options_flags.hpp"
#include "tests/support/gate.hpp"
#include "tests/support/test_proxy.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using namespace test;

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

// "GET /xxx HTTP/1.1" of this length, without its end.
std::string request_line(std::size_t size) {
  const std::string rest = " HTTP/1.1";
  return "GET /" + std::string(size - 5 - rest.size(), 'x') + rest;
}

// A whole head of this size.
std::string request_head(std::size_t size) {
  const std::string begin = "GET / HTTP/1.1\r\nHost: a.test\r\nA: ";
  return begin + std::string(size - begin.size() - 4, 'x') + "\r\n\r\n";
}

std::string chunked(std::string_view body) {
  return "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(body);
}

// What a client may send: at the limit, and one past it.
struct RequestLimit {
  const char* limit;
  const char* kind;
  void (*set)(Options&);
  std::string at, past;
  int status;
};

const std::vector<RequestLimit>& request_limits() {
  static const std::vector<RequestLimit> all = {
      {"max_request_line_bytes", "line", [](Options& o) { o.limits.max_request_line_bytes = 64; },
       request_line(64) + "\r\nHost: a.test\r\n\r\n", request_line(65) + "\r\nHost: a.test\r\n\r\n", 414},
      {"max_request_head_bytes", "head", [](Options& o) { o.limits.max_request_head_bytes = 200; }, request_head(200),
       request_head(201), 431},
      {"max_header_count", "fields", [](Options& o) { o.limits.max_header_count = 4; },
       "GET / HTTP/1.1\r\nHost: a.test\r\n" + repeated("A: b\r\n", 3) + "\r\n",
       "GET / HTTP/1.1\r\nHost: a.test\r\n" + repeated("A: b\r\n", 4) + "\r\n", 431},
      {"max_header_count", "trailers", [](Options& o) { o.limits.max_header_count = 4; },
       chunked("3\r\nabc\r\n0\r\n" + repeated("A: b\r\n", 4) + "\r\n"),
       chunked("3\r\nabc\r\n0\r\n" + repeated("A: b\r\n", 5) + "\r\n"), 400},
      {"proxy_body_size", "counted", [](Options&) {},
       "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n0123456789",
       "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 11\r\n\r\n0123456789x", 413},
      {"proxy_body_size", "chunked", [](Options&) {}, chunked("5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"),
       chunked("5\r\n01234\r\n6\r\n56789x\r\n0\r\n\r\n"), 413},
      {"max_chunk_extension_bytes", "request", [](Options& o) { o.limits.max_chunk_extension_bytes = 8; },
       chunked("3;2345678\r\nabc\r\n0\r\n\r\n"), chunked("3;23456789\r\nabc\r\n0\r\n\r\n"), 400},
      {"max_trailer_bytes", "request", [](Options& o) { o.limits.max_trailer_bytes = 16; },
       chunked("3\r\nabc\r\n0\r\nA: 4567890ABCD\r\n\r\n"), chunked("3\r\nabc\r\n0\r\nA: 4567890ABCDE\r\n\r\n"), 400},
  };
  return all;
}

class RequestLimits : public testing::TestWithParam<RequestLimit> {
 protected:
  void serve(const Origin& origin) {
    GetParam().set(proxy.options);
    proxy.route("a.test", "/", {origin.port()},
                [](TestProxy::Routed& routed) { routed.route.settings.max_body_bytes = 10; });
    proxy.start();
  }
  TestProxy proxy;
};

TEST_P(RequestLimits, HoldExactly) {
  Origin origin(Origin::saying("hello"));
  serve(origin);
  RawSocket client = proxy.connect();
  client.send(GetParam().at);
  EXPECT_EQ(read_response(client).status, 200);
  client.send(GetParam().at);
  EXPECT_EQ(read_response(client).status, 200) << "on the same connection";
  EXPECT_EQ(proxy.limit_hits(GetParam().limit), 0u);
  client.send(GetParam().past);
  const RawResponse refused = read_response(client);
  EXPECT_EQ(refused.status, GetParam().status);
  EXPECT_TRUE(refused.field("Connection") == "close" || refused.status == 413);
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits(GetParam().limit) == 1; }));
}

// However the bytes come.
TEST_P(RequestLimits, HoldByteByByte) {
  Origin origin(Origin::saying("hello"));
  serve(origin);
  for (const auto& [request, status] : {std::pair(GetParam().at, 200), std::pair(GetParam().past, GetParam().status)}) {
    RawSocket client = proxy.connect();
    for (const char byte : request) client.send({&byte, 1});
    EXPECT_EQ(read_response(client).status, status);
  }
}

INSTANTIATE_TEST_SUITE_P(Each, RequestLimits, testing::ValuesIn(request_limits()),
                         [](const auto& limit) { return std::string(limit.param.limit) + "_" + limit.param.kind; });

// What a service may answer. status: of what is past the limit; 200 is a response that is cut off.
struct ResponseLimit {
  const char* limit;
  const char* kind;
  void (*set)(Options&);
  std::string at, past;
  int status;
};

std::string response_head(std::size_t size) {
  const std::string begin = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: ";
  return begin + std::string(size - begin.size() - 4, 'x') + "\r\n\r\n";
}

std::string chunked_response(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(body);
}

const std::vector<ResponseLimit>& response_limits() {
  static const std::string interim = "HTTP/1.1 102 Processing\r\n\r\n";
  static const std::vector<ResponseLimit> all = {
      {"max_response_head_bytes", "head", [](Options& o) { o.limits.max_response_head_bytes = 200; },
       response_head(200), response_head(201), 502},
      {"max_header_count", "fields", [](Options& o) { o.limits.max_header_count = 4; },
       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + repeated("A: b\r\n", 3) + "\r\n",
       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + repeated("A: b\r\n", 4) + "\r\n", 502},
      {"max_interim_responses", "count", [](Options& o) { o.limits.max_interim_responses = 2; },
       repeated(interim, 2) + ok("hello"), repeated(interim, 3) + ok("hello"), 502},
      {"max_chunk_extension_bytes", "response", [](Options& o) { o.limits.max_chunk_extension_bytes = 8; },
       chunked_response("3;2345678\r\nabc\r\n0\r\n\r\n"), chunked_response("3;23456789\r\nabc\r\n0\r\n\r\n"), 200},
      {"max_trailer_bytes", "response", [](Options& o) { o.limits.max_trailer_bytes = 16; },
       chunked_response("3\r\nabc\r\n0\r\nA: 4567890ABCD\r\n\r\n"),
       chunked_response("3\r\nabc\r\n0\r\nA: 4567890ABCDE\r\n\r\n"), 200},
  };
  return all;
}

class ResponseLimits : public testing::TestWithParam<ResponseLimit> {};

TEST_P(ResponseLimits, HoldExactly) {
  std::atomic<bool> past{false};
  Origin origin(Origin::answering([&](const RawRequest&) { return past ? GetParam().past : GetParam().at; }));
  TestProxy proxy;
  GetParam().set(proxy.options);
  proxy.route("a.test", "/", {origin.port()});
  proxy.start();
  const auto answer = [&] {
    RawSocket client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    RawResponse response = read_response(client);
    while (response.status == 102) response = read_response(client);
    return response;
  };
  const RawResponse good = answer();
  EXPECT_EQ(good.status, 200);
  EXPECT_TRUE(good.complete);
  EXPECT_EQ(proxy.limit_hits(GetParam().limit), 0u);
  past = true;
  const RawResponse bad = answer();
  EXPECT_EQ(bad.status, GetParam().status);
  EXPECT_EQ(bad.complete, GetParam().status != 200);
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits(GetParam().limit) == 1; }));
  EXPECT_NE(proxy.log.text().find("limit " + std::string(GetParam().limit)), std::string::npos) << proxy.log.text();
}

INSTANTIATE_TEST_SUITE_P(Each, ResponseLimits, testing::ValuesIn(response_limits()),
                         [](const auto& limit) { return std::string(limit.param.limit) + "_" + limit.param.kind; });

// Where the other limits are tested.
const std::map<std::string, std::string>& other_tests() {
  static const std::map<std::string, std::string> all = {
      {"max_pipelined_bytes", "ConnectionLimits.WhatIsPipelinedBeyondItsLimitWaitsInTheSocket"},
      {"max_keepalive_requests", "ConnectionLimits.TheLastRequestOfAConnectionSaysSo"},
      {"max_connections", "ConnectionLimits.ConnectionsPastTheirMaximumAreClosedAtOnce"},
      {"max_idle_upstream_connections", "UpstreamPoolTest.NoMoreThanTheirMaximumStayIdle"},
      {"max_upstream_requests", "UpstreamPoolTest.AConnectionServesItsShareOfRequests"},
      {"max_tunnel_buffer_bytes", "ConnectionLimits.ATunnelPassesMoreThanItsBufferInOrder"},
      {"max_splice_pipes", "Splice.BodiesPastTheMaximumOfPipesAreCopied"},
      {"http2_max_concurrent_streams", "Http2Faults.MoreStreamsThanAllowedAreRefused"},
      {"http2_stream_window_bytes", "Http2Flow.AServiceThatReadsNothingStopsTheClient"},
      {"http2_max_unsent_bytes", "Http2Unsent.NoMoreIsTakenFromServicesThanTheLimit"},
      {"http2_max_resets", "Http2Floods.StreamsThatAreResetAtOnce"},
      {"http2_max_control_frames", "Http2Floods.Pings"},
      {"http2_flood_interval", "Http2Floods.Pings"},
      {"http2_max_continuations", "Http2Floods.ContinuationsWithoutEnd"},
      {"http2_upstream_max_concurrent_streams", "Http2UpstreamPooling.AConnectionTakesNoMoreStreamsThanItsMaximum"},
      {"http2_max_upstream_connections", "Http2UpstreamPooling.NoMoreConnectionsThanTheirMaximumAreMade"},
      {"http2_max_upstream_waiting", "Http2UpstreamPooling.NoMoreRequestsThanTheirMaximumWait"},
      {"http2_upstream_ping_interval", "Http2UpstreamPooling.ASlowUpstreamThatAnswersPingsIsLeftAlone"},
      {"http2_upstream_ping_timeout", "Http2UpstreamPooling.ADeadUpstreamIsFoundByPing"},
      {"header_timeout", "TimeLimits.AHeadThatDoesNotComeIsA408"},
      {"body_timeout", "TimeLimits.ABodyThatStopsIsA408"},
      {"idle_timeout", "TimeLimits.AnIdleConnectionIsClosed"},
      {"client_send_timeout", "TimeLimits.AClientThatTakesNothingIsLeft"},
      {"tls_handshake_timeout", "TimeLimits.ATlsHandshakeThatDoesNotEndIsClosed"},
      {"proxy_header_timeout", "TimeLimits.AProxyHeaderThatDoesNotComeIsClosed"},
      {"upstream_idle_timeout", "UpstreamPoolTest.AnIdleConnectionIsClosedAfterItsTime"},
      {"lingering_close", "TimeLimits.ARefusedBodyIsNotWaitedForLongerThanLingering"},
  };
  return all;
}

TEST(Limits, EachHasATestHere) {
  std::set<std::string> tests;
  const testing::UnitTest& program = *testing::UnitTest::GetInstance();
  for (int s = 0; s < program.total_test_suite_count(); ++s) {
    const testing::TestSuite& suite = *program.GetTestSuite(s);
    for (int t = 0; t < suite.total_test_count(); ++t) {
      tests.insert(std::string(suite.name()) + "." + suite.GetTestInfo(t)->name());
    }
  }
  std::set<std::string> covered;
  for (const RequestLimit& limit : request_limits()) covered.insert(limit.limit);
  for (const ResponseLimit& limit : response_limits()) covered.insert(limit.limit);
  for (const auto& [limit, test] : other_tests()) {
    EXPECT_TRUE(tests.contains(test)) << test;
    covered.insert(limit);
  }
  for (const Flag& flag : flags()) {
    if (flag.group != "Limits") continue;
    std::string name(flag.name);
    std::replace(name.begin(), name.end(), '-', '_');
    EXPECT_TRUE(covered.contains(name)) << name;
  }
}

}  // namespace
}  // namespace fairlead

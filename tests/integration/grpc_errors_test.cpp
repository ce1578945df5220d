// What a client of gRPC is told by us, and when: over HTTP/2, with services that refuse, hang or break off.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>

#include "tests/integration/http2_front.hpp"
#include "tests/integration/manifest_proxy.hpp"
#include "tests/support/gate.hpp"
#include "tests/support/temporary_folder.hpp"

namespace fairlead {
namespace {

using namespace test;
using std::chrono::milliseconds;

class GrpcErrors : public Http2Front {
 protected:
  // A unary call's request, its message and all.
  std::int32_t call(const std::string& host, Http2Fields more = {}) {
    more.insert(more.begin(), {{"content-type", "application/grpc+proto"}, {"te", "trailers"}});
    const std::int32_t stream = client->post(host, more);
    client->data(stream, std::string("\0\0\0\0\1x", 6), true);
    return stream;
  }
  Http2Response ask(const std::string& host, const Http2Fields& more = {}) {
    return client->response(call(host, more));
  }

  static void expect_answer(const Http2Response& response, const std::string& status, const std::string& message) {
    EXPECT_TRUE(response.complete);
    EXPECT_FALSE(response.reset && response.error != Http2Error::no_error);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.field("content-type"), "application/grpc");
    EXPECT_EQ(response.field("grpc-status"), status);
    EXPECT_EQ(response.field("grpc-message"), message);
    EXPECT_EQ(response.body, "");
    EXPECT_TRUE(response.trailers.empty()) << "the status stands in the head, which is all there is";
  }
};

TEST_F(GrpcErrors, EachOfOurAnswersIsAStatusOfGrpc) {
  struct Case {
    const char* what;
    std::function<void(TestProxy::Routed&)> change;
    std::vector<std::uint16_t> ports;
    const char* status;
    const char* message;
  };
  const std::vector<std::uint16_t> refusing{closed_port()};
  const Case cases[] = {
      {"refused", [](auto&) {}, refusing, "14", "502 Bad Gateway"},
      {"no endpoints", [](auto&) {}, {}, "14", "503 Service Unavailable"},
      {"denied", [](auto& routed) { routed.path.denied = true; }, refusing, "14", "503 Service Unavailable"},
  };
  int number = 0;
  for (const Case& each : cases) proxy.route("h" + std::to_string(number++) + ".test", "/", each.ports, each.change);
  proxy.start();
  start_client();
  number = 0;
  for (const Case& each : cases) {
    SCOPED_TRACE(each.what);
    expect_answer(ask("h" + std::to_string(number++) + ".test"), each.status, each.message);
  }
  expect_answer(ask("unknown.test"), "12", "404 Not Found");
}

TEST_F(GrpcErrors, ABodyOverTheLimitIsResourceExhausted) {
  Origin origin(Origin::saying("unasked"));
  proxy.route("a.test", "/", {origin.port()}, [](auto& routed) { routed.route.settings.max_body_bytes = 5; });
  proxy.start();
  start_client();
  expect_answer(ask("a.test", {{"content-length", "6"}}), "8", "413 Content Too Large (proxy_body_size)");
  expect_answer(ask("a.test"), "8", "413 Content Too Large (proxy_body_size)");
}

TEST_F(GrpcErrors, OtherRequestsAreAnsweredAsEver) {
  serve(closed_port());
  for (const char* type : {"application/grpc-web+proto", "application/json"}) {
    const std::int32_t stream = client->post("a.test", {{"content-type", type}});
    client->data(stream, "x", true);
    const Http2Response response = client->response(stream);
    EXPECT_EQ(response.status, 502) << type;
    EXPECT_EQ(response.field("grpc-status"), "") << type;
  }
}

TEST_F(GrpcErrors, AnHttp1ClientIsAnsweredAlike) {
  serve(closed_port());
  RawSocket plain = proxy.connect();
  plain.send("POST /s/m HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/grpc\r\nContent-Length: 1\r\n\r\nx");
  const RawResponse response = read_response(plain);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.field("grpc-status"), "14");
  EXPECT_EQ(response.field("Content-Length"), "0");
}

TEST_F(GrpcErrors, AMalformedTimeoutIsSaidToBeSo) {
  Origin origin(Origin::saying("unasked"));
  serve(origin);
  expect_answer(ask("a.test", {{"grpc-timeout", "1s"}}), "13", "malformed grpc-timeout");
  EXPECT_EQ(origin.connections(), 0);
}

TEST_F(GrpcErrors, WhoseTimeoutPassesIsToldSoAndTheServiceLetGo) {
  Gate let_go;
  Origin silent([&](RawSocket& connection) {
    read_request(connection);
    connection.read_to_end();
    let_go.open();
  });
  serve(silent);
  expect_answer(ask("a.test", {{"grpc-timeout", "50m"}}), "4", "grpc-timeout passed");
  let_go.wait();
}

TEST_F(GrpcErrors, ATimeoutEndsTheTriesToo) {
  Origin silent([](RawSocket& connection) { connection.read_to_end(); });
  proxy.route("a.test", "/", {silent.port(), silent.port(), silent.port()});
  proxy.start();
  start_client();
  expect_answer(ask("a.test", {{"grpc-timeout", "50m"}}), "4", "grpc-timeout passed");
  EXPECT_EQ(silent.connections(), 1);
}

TEST_F(GrpcErrors, ALongTimeoutIsInNobodysWay) {
  Origin origin(Origin::answering([](const RawRequest&) {
    return std::string(
        "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n"
        "1\r\nx\r\n0\r\ngrpc-status: 0\r\n\r\n");
  }));
  serve(origin);
  const Http2Response response = ask("a.test", {{"grpc-timeout", "99999999H"}});
  EXPECT_EQ(response.body, "x");
  ASSERT_EQ(response.trailers.size(), 1u);
  EXPECT_EQ(response.trailers[0], (std::pair<std::string, std::string>("grpc-status", "0")));
}

// A message that was begun, and what follows it.
class BegunAnswer : public GrpcErrors {
 protected:
  static constexpr const char* begun =
      "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n";
  static std::string trailer(const Http2Response& response, std::string_view name) {
    for (const auto& [key, value] : response.trailers) {
      if (key == name) return value;
    }
    return "";
  }
};

TEST_F(BegunAnswer, ThatBreaksOffEndsInTrailersThatSaySo) {
  Origin breaking([](RawSocket& connection) {
    read_request(connection);
    connection.send(begun);
  });
  serve(breaking);
  const Http2Response response = ask("a.test");
  EXPECT_TRUE(response.complete);
  EXPECT_EQ(response.body, "x");
  EXPECT_EQ(trailer(response, "grpc-status"), "14");
  EXPECT_EQ(trailer(response, "grpc-message"), "the response of the service broke off");
}

TEST_F(BegunAnswer, WhoseTimeoutPassesEndsInTrailersThatSaySo) {
  Gate over;
  Origin slow([&](RawSocket& connection) {
    read_request(connection);
    connection.send(begun);
    over.wait();
  });
  serve(slow);
  const Http2Response response = ask("a.test", {{"grpc-timeout", "200m"}});
  over.open();
  EXPECT_EQ(response.body, "x");
  EXPECT_EQ(trailer(response, "grpc-status"), "4");
}

TEST_F(BegunAnswer, WhoseClientSendsTooMuchEndsInTrailersThatSaySo) {
  Gate over;
  Origin slow([&](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    connection.send(begun);
    over.wait();
  });
  proxy.route("a.test", "/", {slow.port()}, [](auto& routed) { routed.route.settings.max_body_bytes = 5; });
  proxy.start();
  start_client();
  const std::int32_t stream = client->post("a.test", {{"content-type", "application/grpc"}});
  EXPECT_TRUE(client->until([&] { return client->seen(stream).body == "x"; }));
  client->data(stream, "123456");
  const Http2Response response = client->response(stream);
  over.open();
  EXPECT_EQ(trailer(response, "grpc-status"), "8");
  EXPECT_EQ(trailer(response, "grpc-message"), "413 Content Too Large (proxy_body_size)");
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.limit_hits("proxy_body_size") == 1; }));
}

TEST_F(BegunAnswer, WhoseClientIsSilentForTooLongEndsInTrailersThatSaySo) {
  Gate over;
  Origin slow([&](RawSocket& connection) {
    connection.read_until("\r\n\r\n");
    connection.send(begun);
    over.wait();
  });
  proxy.options.limits.body_timeout = milliseconds(200);
  serve(slow);
  const Http2Response response = client->response(client->post("a.test", {{"content-type", "application/grpc"}}));
  over.open();
  EXPECT_EQ(response.body, "x");
  EXPECT_EQ(trailer(response, "grpc-status"), "14");
  EXPECT_EQ(trailer(response, "grpc-message"), "408 Request Timeout (body_timeout)");
}

TEST_F(BegunAnswer, ThatIsNotOfGrpcIsReset) {
  Origin breaking([](RawSocket& connection) {
    read_request(connection);
    connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
  });
  serve(breaking);
  const Http2Response response = ask("a.test");
  EXPECT_TRUE(response.reset);
  EXPECT_EQ(response.error, Http2Error::internal_error);
}

TEST_F(BegunAnswer, OfKnownLengthIsReset) {
  Origin breaking([](RawSocket& connection) {
    read_request(connection);
    connection.send("HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nContent-Length: 5\r\n\r\nx");
  });
  serve(breaking);
  EXPECT_TRUE(ask("a.test").reset);
}

// What annotations refuse.
class GrpcPolicies : public ManifestProxy {
 protected:
  Http2Response ask(const IngressText& ingress) {
    serve(ingress);
    RawSocket socket = proxy.connect();
    Http2Client client(socket);
    return client.response(client.get("a.test", "/s/m", {{"content-type", "application/grpc"}}));
  }
};

TEST_F(GrpcPolicies, ARefusalIsPermissionDenied) {
  const Http2Response response = ask({.annotations = {{"allowlist-source-range", "10.9.9.9"}}});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.field("grpc-status"), "7");
  EXPECT_EQ(response.field("grpc-message"), "403 Forbidden");
}

TEST_F(GrpcPolicies, ARedirectIsNamedSinceNobodyFollowsIt) {
  const Http2Response response = ask({.annotations = {{"force-ssl-redirect", "true"}}});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.field("grpc-status"), "2");
  EXPECT_EQ(response.field("grpc-message"), "308 Permanent Redirect to https://a.test/s/m");
  EXPECT_EQ(response.field("location"), "");
}

TEST_F(GrpcPolicies, TheContentTypeIsOursWhateverAPolicySays) {
  const Http2Response response = ask({.annotations = {{"allowlist-source-range", "10.9.9.9"},
                                                      {"response-headers", "Content-Type: text/x\nX-Own: 1"}}});
  EXPECT_EQ(response.field("content-type"), "application/grpc");
  EXPECT_EQ(response.field("x-own"), "1");
}

// What is noted of a call, for the log and the metrics.
class GrpcNotes : public GrpcErrors {
 protected:
  GrpcNotes() {
    proxy.options.access_log = folder.path() / "log";
    proxy.options.log_format = AccessLogFormat::upstreaminfo_grpc;
  }
  // What stands behind the request's id in the only line.
  std::string noted() {
    std::string line;
    EXPECT_TRUE(TestProxy::eventually([&] {
      std::ifstream file(proxy.options.access_log);
      return static_cast<bool>(std::getline(file, line));
    }));
    return line.substr(line.rfind(' ') + 1);
  }

  TemporaryFolder folder;
};

TEST_F(GrpcNotes, HoldTheStatusOfTheServicesTrailers) {
  Origin origin(Origin::answering([](const RawRequest&) {
    return std::string(
        "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\ngrpc-status: 5\r\n\r\n");
  }));
  serve(origin);
  ask("a.test");
  EXPECT_EQ(noted(), "5");
}

TEST_F(GrpcNotes, HoldTheStatusOfAnAnswerWithoutMessages) {
  Origin origin(Origin::answering(
      [](const RawRequest&) { return ok("", "Content-Type: application/grpc\r\ngrpc-status: 7\r\n"); }));
  serve(origin);
  ask("a.test");
  EXPECT_EQ(noted(), "7");
}

TEST_F(GrpcNotes, HoldTheStatusThatWeMade) {
  serve(closed_port());
  ask("a.test");
  EXPECT_EQ(noted(), "14");
}

TEST_F(GrpcNotes, HoldThatTheClientCancelled) {
  Gate asked;
  Origin silent([&](RawSocket& connection) {
    read_request(connection);
    asked.open();
    connection.read_to_end();
  });
  serve(silent);
  const std::int32_t stream = call("a.test");
  asked.wait();
  client->reset(stream);
  EXPECT_EQ(noted(), "1");
}

TEST_F(GrpcNotes, HoldNothingOfOtherRequests) {
  Origin origin(Origin::saying("x"));
  serve(origin);
  client->response(client->get("a.test"));
  EXPECT_EQ(noted(), "-");
}

}  // namespace
}  // namespace fairlead

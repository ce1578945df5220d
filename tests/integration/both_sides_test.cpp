// One table of exchanges for every pair of protocols, towards clients and towards services.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/any_client.hpp"
#include "tests/support/gate.hpp"
#include "tests/support/test_proxy.hpp"
#include "tests/support/tls_socket.hpp"

namespace fairlead {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::Pair;

struct Sides {
  bool http2_client;
  UpstreamProtocol upstream;
};

std::string name_of(const Sides& sides) {
  const char* const upstreams[] = {"http1", "https", "h2c", "h2"};
  return std::string(sides.http2_client ? "h2_to_" : "http1_to_") + upstreams[static_cast<int>(sides.upstream)];
}

class BothSides : public testing::TestWithParam<Sides> {
 protected:
  // May be asked once. What it says is of the requests as they come.
  void serve(const Answering& answering) {
    const bool http2 = is_http2(GetParam().upstream);
    Origin::Handler handler = http2 ? over_http2(answering) : over_http1(answering);
    if (over_tls(GetParam().upstream)) {
      if (http2) choose_http2(context.get());
      handler = test::over_tls(context.get(), handler);
    }
    origin = std::make_unique<Origin>(handler);
    proxy.route("a.test", "/", {origin->port()}, [](TestProxy::Routed& routed) {
      routed.upstream.protocol = GetParam().upstream;
      routed.route.settings.max_body_bytes = 0;
    });
    proxy.start();
    client = std::make_unique<AnyClient>(proxy.http_port(), GetParam().http2_client);
  }
  void serve(const Answer& answer) {
    serve([answer](const Question&) { return answer; });
  }

  SslCtxPtr context = tls_server_context(make_certificate({"anything.test"}));
  std::unique_ptr<Origin> origin;
  TestProxy proxy;
  std::unique_ptr<AnyClient> client;
};

const std::string small = "hello", large(1'000'000, 'l');

TEST_P(BothSides, AGetIsAnswered) {
  serve([](const Question& question) {
    return Answer{.fields = {{"x-asked", question.method + " " + question.target + " " + question.authority},
                             {"x-scheme", field_of(question.fields, "x-forwarded-proto")},
                             {"x-own", field_of(question.fields, "x-mine")}},
                  .body = small};
  });
  for (int i = 0; i < 3; ++i) {
    const Reply reply = client->ask({.target = "/a/b?c=d", .fields = {{"x-mine", "1"}}});
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, small);
    EXPECT_EQ(field_of(reply.fields, "x-asked"), "GET /a/b?c=d a.test");
    EXPECT_EQ(field_of(reply.fields, "x-scheme"), "http");
    EXPECT_EQ(field_of(reply.fields, "x-own"), "1");
    EXPECT_TRUE(reply.complete);
  }
  EXPECT_EQ(origin->connections(), 1);
}

TEST_P(BothSides, AHeadHasNoBody) {
  serve(Answer{.body = small});
  const Reply reply = client->ask({.method = "HEAD"});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(field_of(reply.fields, "content-length"), "5");
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(client->ask({}).body, small);
}

TEST_P(BothSides, NeitherHave204And304) {
  int asked = 0;
  serve([&](const Question&) { return Answer{.status = ++asked == 1 ? 204 : 304, .fields = {{"etag", "\"e\""}}}; });
  for (const int status : {204, 304}) {
    const Reply reply = client->ask({});
    EXPECT_EQ(reply.status, status);
    EXPECT_EQ(reply.body, "");
    EXPECT_TRUE(reply.complete);
  }
  origin->stop();
}

TEST_P(BothSides, AnEmptyBodyIsOne) {
  serve(Answer{.counted = false});
  for (int i = 0; i < 3; ++i) {
    const Reply reply = client->ask({});
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "");
    EXPECT_TRUE(reply.complete);
  }
}

TEST_P(BothSides, BodiesGoBothWays) {
  serve([](const Question& question) {
    return Answer{.fields = {{"x-length", field_of(question.fields, "content-length")}}, .body = question.body};
  });
  for (const std::string& body : {small, large, small}) {
    const Reply reply = client->ask({.method = "POST", .body = body});
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(reply.body == body);
    EXPECT_EQ(field_of(reply.fields, "x-length"), std::to_string(body.size()));
    EXPECT_TRUE(reply.complete);
  }
}

TEST_P(BothSides, BodiesWithoutALengthGoBothWays) {
  serve([](const Question& question) {
    return Answer{
        .fields = {{"x-length", field_of(question.fields, "content-length")}}, .body = question.body, .counted = false};
  });
  for (const std::string& body : {small, large}) {
    const Reply reply = client->ask({.method = "PUT", .body = body, .counted = false});
    EXPECT_TRUE(reply.body == body);
    EXPECT_EQ(field_of(reply.fields, "x-length"), "");
    EXPECT_TRUE(reply.complete);
  }
}

TEST_P(BothSides, TrailersGoBothWays) {
  serve([](const Question& question) {
    return Answer{
        .body = question.body, .trailers = {{"x-back", field_of(question.trailers, "x-to")}}, .counted = false};
  });
  const Reply reply = client->ask({.method = "POST", .body = small, .counted = false, .trailers = {{"x-to", "7"}}});
  EXPECT_EQ(reply.body, small);
  EXPECT_THAT(reply.trailers, ElementsAre(Pair("x-back", "7")));
}

TEST_P(BothSides, TeTrailersIsPassedOnToHttp2Alone) {
  serve([](const Question& question) { return Answer{.body = "te=" + field_of(question.fields, "te")}; });
  const bool http2 = is_http2(GetParam().upstream);
  EXPECT_EQ(client->ask({.fields = {{"te", "trailers"}}}).body, http2 ? "te=trailers" : "te=");
  EXPECT_EQ(client->ask({}).body, "te=");
}

TEST_P(BothSides, InterimResponsesPass) {
  serve(Answer{.body = small, .interim = {103, 103}});
  const Reply reply = client->ask({});
  EXPECT_THAT(reply.interim, ElementsAre(103, 103));
  EXPECT_EQ(reply.body, small);
}

TEST_P(BothSides, AnAnswerMayComeBeforeTheRequestIsComplete) {
  serve(Answer{.status = 403, .body = small});
  const Reply reply = client->ask({.method = "POST", .target = "/early", .body = small, .unfinished = true});
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(reply.body, small);
}

TEST_P(BothSides, ABrokenResponseIsNeverTakenForAWholeOne) {
  serve([](const Question& question) {
    return Answer{.body = large, .counted = question.target == "/counted", .breaks_off = true};
  });
  for (const char* const target : {"/counted", "/not"}) {
    AnyClient fresh(proxy.http_port(), GetParam().http2_client);
    const Reply reply = fresh.ask({.target = target});
    EXPECT_EQ(reply.status, 200);
    EXPECT_FALSE(reply.complete) << target;
  }
}

TEST_P(BothSides, ManyRequestsOneAfterTheOther) {
  serve([](const Question& question) { return Answer{.body = question.target}; });
  for (int i = 0; i < 300; ++i) {
    const std::string target = "/" + std::to_string(i);
    EXPECT_EQ(client->ask({.target = target}).body, target);
  }
  EXPECT_EQ(origin->connections(), 1);
}

TEST_P(BothSides, AClientThatLeavesHurtsNobodyElse) {
  serve([](const Question& question) { return Answer{.body = question.target == "/large" ? large : small}; });
  for (int i = 0; i < 5; ++i) {
    AnyClient leaving(proxy.http_port(), GetParam().http2_client);
    leaving.ask_and_leave({.target = "/large"});
    EXPECT_EQ(client->ask({}).body, small);
  }
}

INSTANTIATE_TEST_SUITE_P(Each, BothSides,
                         testing::Values(Sides{false, UpstreamProtocol::http}, Sides{false, UpstreamProtocol::h2c},
                                         Sides{false, UpstreamProtocol::h2}, Sides{true, UpstreamProtocol::http},
                                         Sides{true, UpstreamProtocol::h2c}, Sides{true, UpstreamProtocol::h2},
                                         Sides{false, UpstreamProtocol::https}, Sides{true, UpstreamProtocol::https}),
                         [](const auto& sides) { return name_of(sides.param); });

}  // namespace
}  // namespace fairlead

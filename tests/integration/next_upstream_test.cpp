// Which answers send a request to another endpoint: two endpoints, of which one always answers what nobody wants.
#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/test_proxy.hpp"

namespace fairlead {
namespace {

using namespace test;

constexpr const char* unavailable_call = "Content-Type: application/grpc\r\ngrpc-status: 14\r\ngrpc-message: busy\r\n";

class NextUpstreamAnswers : public testing::Test {
 protected:
  // words: of proxy-next-upstream. bad: what the one answers.
  void serve(const std::string& words, const std::string& bad) {
    bad_ = bad;
    proxy.route("a.test", "/", {unwanted.port(), good.port()}, [&](TestProxy::Routed& routed) {
      NextUpstream& next = routed.route.settings.next_upstream = NextUpstream::none();
      std::istringstream stream(words);
      for (std::string word; stream >> word;) EXPECT_TRUE(next.add(word));
    });
    proxy.start();
  }
  // Round robin: of two requests that are not sent on, each endpoint has one.
  int unwanted_answers(const std::string& request) {
    int count = 0;
    for (int i = 0; i < 2; ++i) {
      RawSocket client = proxy.connect();
      client.send(request);
      const RawResponse response = read_response(client);
      if (response.body != "good") ++count;
    }
    return count;
  }

  static std::string bad_status(int status) {
    return "HTTP/1.1 " + std::to_string(status) + " No\r\nContent-Length: 3\r\n\r\nbad";
  }

  const std::string get = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
  const std::string post = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody";
  const std::string call =
      "POST /s/m HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/grpc\r\nContent-Length: 4\r\n\r\nbody";
  std::string bad_;
  Origin unwanted{Origin::answering([this](const RawRequest&) { return bad_; })};
  Origin good{Origin::answering([](const RawRequest& request) {
    return ok(request.body.empty() || request.body == "body" ? "good" : "a body that is not the client's");
  })};
  TestProxy proxy;
};

TEST_F(NextUpstreamAnswers, AStatusThatIsNotNamedIsTheAnswer) {
  serve("error timeout http_502", bad_status(503));
  EXPECT_EQ(unwanted_answers(get), 1);
}

TEST_F(NextUpstreamAnswers, AStatusThatIsNamedIsNot) {
  serve("http_503", bad_status(503));
  EXPECT_EQ(unwanted_answers(get), 0);
  EXPECT_EQ(unwanted_answers(post), 1) << "which may have been acted on";
}

TEST_F(NextUpstreamAnswers, APostIsSentOnWhereThatIsAskedFor) {
  serve("http_404 non_idempotent", bad_status(404));
  EXPECT_EQ(unwanted_answers(post), 0);
}

TEST_F(NextUpstreamAnswers, UnavailableIsTheAnswerOfACallByDefault) {
  serve("error timeout", ok("", unavailable_call));
  EXPECT_EQ(unwanted_answers(call), 1);
}

TEST_F(NextUpstreamAnswers, UnavailableIsNotWhereThatIsAskedFor) {
  serve("http_503 non_idempotent", ok("", unavailable_call));
  EXPECT_EQ(unwanted_answers(call), 0);
  EXPECT_GE(unwanted.connections(), 1);
}

TEST_F(NextUpstreamAnswers, UnavailableSendsACallOnOnlyIfItMayBeRepeated) {
  serve("http_503", ok("", unavailable_call));
  EXPECT_EQ(unwanted_answers(call), 1);
}

TEST_F(NextUpstreamAnswers, TheLastAnswerThereIsIsTheAnswer) {
  bad_ = ok("", unavailable_call);
  proxy.route("b.test", "/", {unwanted.port()}, [](TestProxy::Routed& routed) {
    routed.route.settings.next_upstream.add("http_503");
    routed.route.settings.next_upstream.add("non_idempotent");
  });
  proxy.start();
  RawSocket client = proxy.connect();
  client.send("POST /s/m HTTP/1.1\r\nHost: b.test\r\nContent-Type: application/grpc\r\nContent-Length: 1\r\n\r\nx");
  const RawResponse response = read_response(client);
  EXPECT_EQ(response.field("grpc-status"), "14");
  EXPECT_EQ(response.field("grpc-message"), "busy") << "the service's words";
}

}  // namespace
}  // namespace fairlead

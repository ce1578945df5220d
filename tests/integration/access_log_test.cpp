#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <sstream>

#include "tests/integration/manifest_proxy.hpp"
#include "tests/support/gate.hpp"
#include "tests/support/temporary_folder.hpp"

namespace fairlead {
namespace {

using namespace test;
using nlohmann::json;
using testing::MatchesRegex;

class AccessLogOfTraffic : public ManifestProxy {
 protected:
  AccessLogOfTraffic() { proxy.options.access_log = folder_ / "access.log"; }

  // Waits until so many lines are there.
  std::vector<std::string> lines(std::size_t count) {
    std::vector<std::string> found;
    TestProxy::eventually([&] {
      found.clear();
      std::ifstream file(folder_ / "access.log");
      for (std::string line; std::getline(file, line) && !file.eof();) found.push_back(line);
      return found.size() >= count;
    });
    EXPECT_EQ(found.size(), count);
    found.resize(count);
    return found;
  }

  std::string echo_endpoint() const { return "127.0.0.1:" + std::to_string(echo.port()); }

  TemporaryFolder folder_;
};

constexpr const char* date = "\\[[0-9][0-9]/[A-Z][a-z][a-z]/20[0-9][0-9]:[0-9][0-9]:[0-9][0-9]:[0-9][0-9] \\+0000\\]";
constexpr const char* seconds = "[0-9]+\\.[0-9][0-9][0-9]";

TEST_F(AccessLogOfTraffic, IsTheDefaultLineOfIngressNginx) {
  serve({.paths = {"Prefix /shop"}});
  const std::string fields = "Referer: http://r.test/\r\nUser-Agent: a \"test\"\r\nX-Request-ID: id-1\r\n";
  const std::size_t sent = std::string("GET /shop?x=1 HTTP/1.1\r\nHost: a.test\r\n\r\n").size() + fields.size();
  const RawResponse response = proxy.get("a.test", "/shop?x=1", fields);
  const std::string length = std::to_string(response.body.size());
  EXPECT_THAT(
      lines(1)[0],
      MatchesRegex("127\\.0\\.0\\.1 - - " + std::string(date) + " \"GET /shop\\?x=1 HTTP/1\\.1\" 200 " + length +
                   " \"http://r\\.test/\" \"a \\\\x22test\\\\x22\" " + std::to_string(sent) + " " + seconds +
                   " \\[shop-echo-80\\] \\[\\] " + echo_endpoint() + " " + length + " " + seconds + " 200 id-1"));
}

TEST_F(AccessLogOfTraffic, NamesEveryAttempt) {
  Origin refusing([](RawSocket& connection) { connection.read_some(); });
  apply(service_yaml("pair", {refusing.port(), echo.port()}));
  serve({.service = "pair"});
  const std::string refused = "127.0.0.1:" + std::to_string(refusing.port());
  std::size_t requests = 0;
  // Round robin begins anywhere.
  while (refusing.connections() == 0 && requests < 10) {
    EXPECT_EQ(proxy.get("a.test").status, 200);
    ++requests;
  }
  EXPECT_THAT(lines(requests).back(), MatchesRegex(".* \\[shop-pair-80\\] \\[\\] " + refused + ", " + echo_endpoint() +
                                                   " 0, [0-9]+ " + seconds + ", " + seconds + " 502, 200 [0-9a-f]+"));
}

TEST_F(AccessLogOfTraffic, AnAttemptWithoutAnswerHasNoBytesOfTheOneBefore) {
  // Answers once, then hangs up on the next request of the same connection.
  Origin once([](RawSocket& connection) {
    read_request(connection);
    connection.send(ok("hello"));
    read_request(connection);
  });
  apply(service_yaml("once", {once.port()}));
  serve({.service = "once"});
  EXPECT_EQ(proxy.get("a.test").status, 200);
  RawSocket client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_EQ(read_response(client).status, 502);
  EXPECT_THAT(lines(2)[1], MatchesRegex(".* \\[shop-once-80\\] \\[\\] 127\\.0\\.0\\.1:[0-9]+ 0 .*"));
}

TEST_F(AccessLogOfTraffic, SaysWhatNeverReachedAService) {
  serve({});
  proxy.get("unknown.test");
  RawSocket bad = proxy.connect();
  bad.send("nonsense\r\n\r\n");
  read_response(bad);
  const auto both = lines(2);
  EXPECT_THAT(both[0], MatchesRegex(".* \"GET / HTTP/1\\.1\" 404 [0-9]+ \"-\" \"-\" [0-9]+ " + std::string(seconds) +
                                    " \\[[^]]*\\] \\[\\] - - - - [0-9a-f]+"));
  EXPECT_THAT(both[1], testing::HasSubstr(" 400 "));
}

TEST_F(AccessLogOfTraffic, IsJsonWhenAsked) {
  proxy.options.log_format = AccessLogFormat::json;
  serve({.paths = {"Prefix /shop"}});
  const RawResponse response = proxy.get("a.test", "/shop/../shop/%78?y", "User-Agent: a \"test\"\r\n");
  ASSERT_EQ(response.status, 200);
  const json line = json::parse(lines(1)[0]);
  EXPECT_EQ(line["remote_addr"], "127.0.0.1");
  EXPECT_EQ(line["host"], "a.test");
  EXPECT_EQ(line["method"], "GET");
  EXPECT_EQ(line["uri"], "/shop/../shop/%78?y");
  EXPECT_EQ(line["path"], "/shop/x") << "the form that was routed by";
  EXPECT_EQ(line["status"], 200);
  EXPECT_EQ(line["body_bytes_sent"], response.body.size());
  EXPECT_EQ(line["user_agent"], "a \"test\"");
  EXPECT_EQ(line["namespace"], "shop");
  EXPECT_EQ(line["ingress"], "web");
  EXPECT_EQ(line["service"], "echo");
  EXPECT_EQ(line["ingress_path"], "/shop");
  EXPECT_EQ(line["upstreams"][0]["addr"], echo_endpoint());
  EXPECT_EQ(line["upstreams"][0]["status"], 200);
  EXPECT_TRUE(line["request_time"].is_number());
}

TEST_F(AccessLogOfTraffic, OfARefusedBodyNamesTheLimit) {
  proxy.options.log_format = AccessLogFormat::json;
  serve({.annotations = {{"proxy-body-size", "1k"}}});
  RawSocket socket = proxy.connect();
  socket.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2000\r\n\r\n");
  EXPECT_EQ(read_response(socket).status, 413);
  EXPECT_EQ(json::parse(lines(1)[0])["limit"], "proxy_body_size");
}

TEST_F(AccessLogOfTraffic, NamesWhatIsCutOff) {
  proxy.options.log_format = AccessLogFormat::json;
  Gate answer;
  Origin silent([&](RawSocket&) { answer.wait(); });
  Origin begun([&](RawSocket& connection) {
    if (!read_request(connection).complete) return;
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    answer.wait();
  });
  apply(service_yaml("silent", {silent.port()}));
  apply(service_yaml("begun", {begun.port()}));
  serve({.name = "silent", .host = "silent.test", .service = "silent"});
  serve({.name = "begun", .host = "begun.test", .service = "begun"});
  RawSocket unanswered = proxy.connect(), half = proxy.connect();
  unanswered.send("GET /x HTTP/1.1\r\nHost: silent.test\r\n\r\n");
  ASSERT_TRUE(TestProxy::eventually([&] { return silent.connections() == 1; }));
  half.send("GET /y HTTP/1.1\r\nHost: begun.test\r\n\r\n");
  half.read_until("hello");
  proxy.workers->cut_connections();
  std::map<std::string, json> found;
  for (const std::string& line : lines(2)) {
    const json object = json::parse(line);
    found[object["uri"]] = object;
  }
  EXPECT_EQ(found["/x"]["status"], 499);
  EXPECT_EQ(found["/y"]["status"], 200);
  EXPECT_EQ(found["/y"]["body_bytes_sent"], 5);
  EXPECT_EQ(proxy.counter(&WorkerCounters::requests), 2u);
  answer.open();
}

}  // namespace
}  // namespace fairlead

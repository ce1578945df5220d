#include "proxy/log_line.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fairlead {
namespace {

using std::chrono::microseconds;

constexpr std::size_t no_cut = 4096;

template <class Write>
std::string written(Write write, std::size_t max_field_bytes = no_cut) {
  char memory[16 * 1024];
  LineWriter out(memory, memory + sizeof memory, max_field_bytes);
  write(out);
  EXPECT_FALSE(out.overflowed());
  return {memory, out.size()};
}

std::string escaped(std::string_view text) {
  return written([&](LineWriter& out) { out.nginx_escaped(text); });
}

std::string json(std::string_view text, std::size_t max_field_bytes = no_cut) {
  return written([&](LineWriter& out) { out.json_string(text); }, max_field_bytes);
}

std::chrono::system_clock::time_point at(std::int64_t unix_seconds) {
  return std::chrono::system_clock::time_point(std::chrono::seconds(unix_seconds));
}

ExchangeRecord plain_record() {
  ExchangeRecord record;
  record.client = *IpAddress::parse("192.0.2.7");
  record.client_port = 51234;
  record.method = "GET";
  record.target = "/a?b=c";
  record.normal_path = "/a";
  record.host = "a.example.com";
  record.status = 200;
  record.body_bytes_sent = 612;
  record.bytes_sent = 800;
  record.request_length = 78;
  record.user_agent = "curl/7.88.1";
  record.request_id = "0123456789abcdef";
  record.when = at(1'795'486'414);
  record.request_time = microseconds(3'999);
  return record;
}

AttemptRecord attempt(const char* address, std::uint16_t port, int status, std::uint64_t bytes, microseconds time) {
  AttemptRecord record;
  record.endpoint = {*IpAddress::parse(address), port};
  record.status = status;
  record.response_bytes = bytes;
  record.connect_time = microseconds(0);
  record.header_time = time;
  record.response_time = time;
  return record;
}

std::string upstreaminfo(const ExchangeRecord& record, bool with_grpc_status = false) {
  LogTime time;
  return written([&](LineWriter& out) { write_upstreaminfo(out, record, time, with_grpc_status); });
}

std::string json_line(const ExchangeRecord& record) {
  LogTime time;
  return written([&](LineWriter& out) { write_json(out, record, time); });
}

TEST(LogTime, IsUtcInNginxsForms) {
  LogTime time;
  EXPECT_EQ(time.local(at(1'795'486'414)), "24/Nov/2026:02:13:34 +0000");
  EXPECT_EQ(time.iso8601(at(1'795'486'414)), "2026-11-24T02:13:34+00:00");
}

TEST(LogTime, IsMadeAnewWhenTheSecondChanges) {
  LogTime time;
  EXPECT_EQ(time.local(at(0)), "01/Jan/1970:00:00:00 +0000");
  EXPECT_EQ(time.local(at(0) + std::chrono::milliseconds(999)), "01/Jan/1970:00:00:00 +0000");
  EXPECT_EQ(time.local(at(1)), "01/Jan/1970:00:00:01 +0000");
  EXPECT_EQ(time.iso8601(at(-1)), "1969-12-31T23:59:59+00:00");
}

TEST(LineWriter, NoticesWhatDoesNotFitAndWritesNoMore) {
  char memory[4] = {'#', '#', '#', '#'};
  LineWriter out(memory, memory + 3, no_cut);
  out.put("abc");
  EXPECT_FALSE(out.overflowed());
  out.put('d');
  EXPECT_TRUE(out.overflowed());
  EXPECT_EQ(std::string_view(memory, 4), "abc#");
  EXPECT_EQ(out.size(), 3u);
}

TEST(LineWriter, WritesTimesInSecondsCutToMilliseconds) {
  const auto text = [](std::int64_t us) { return written([&](LineWriter& out) { out.seconds(microseconds(us)); }); };
  EXPECT_EQ(text(0), "0.000");
  EXPECT_EQ(text(999), "0.000");
  EXPECT_EQ(text(1'000), "0.001");
  EXPECT_EQ(text(12'345'678), "12.345");
  EXPECT_EQ(text(-5), "0.000");
}

TEST(LineWriter, PutsIpv6EndpointsInBrackets) {
  const auto text = [](const char* address) {
    return written([&](LineWriter& out) { out.endpoint({*IpAddress::parse(address), 80}); });
  };
  EXPECT_EQ(text("10.0.0.1"), "10.0.0.1:80");
  EXPECT_EQ(text("fd00::1"), "[fd00::1]:80");
}

TEST(NginxEscape, LetsNobodyForgeALineOrAField) {
  EXPECT_EQ(escaped(""), "-");
  EXPECT_EQ(escaped("plain text"), "plain text");
  EXPECT_EQ(escaped("a\"b\\c"), "a\\x22b\\x5Cc");
  EXPECT_EQ(escaped("a\r\nb"), "a\\x0D\\x0Ab");
  EXPECT_EQ(escaped(std::string_view("\0\x1b\x7f", 3)), "\\x00\\x1B\\x7F");
  EXPECT_EQ(escaped("\xc3\xa4"), "\\xC3\\xA4");
}

TEST(NginxEscape, CutsLongValues) {
  EXPECT_EQ(written([](LineWriter& out) { out.nginx_escaped("abcdef"); }, 3), "abc");
}

TEST(JsonString, EscapesWhatJsonMustNotHold) {
  EXPECT_EQ(json(""), "\"\"");
  EXPECT_EQ(json("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(json(std::string_view("\0\n\x1f", 3)), "\"\\u0000\\u000A\\u001F\"");
  EXPECT_EQ(json("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

TEST(JsonString, ReplacesWhatIsNotUtf8) {
  const std::string bad = "\xef\xbf\xbd";
  const struct {
    const char* what;
    std::string text;
    std::string wanted;
  } cases[] = {
      {"lone continuation", "a\x80z", "a" + bad + "z"},
      {"overlong slash", "\xc0\xaf", bad + bad},
      {"overlong in three", "\xe0\x80\xaf", bad + bad + bad},
      {"surrogate", "\xed\xa0\x80", bad + bad + bad},
      {"beyond U+10FFFF", "\xf4\x90\x80\x80", bad + bad + bad + bad},
      {"cut sequence", "\xe2\x82", bad + bad},
      {"sequence that another byte ends", "\xe2\x82z", bad + bad + "z"},
      {"byte that never occurs", "\xff", bad},
  };
  for (const auto& entry : cases) EXPECT_EQ(json(entry.text), '"' + entry.wanted + '"') << entry.what;
}

TEST(JsonString, IsNotCutInTheMiddleOfACharacter) {
  EXPECT_EQ(json("ab\xe2\x82\xac", 3), "\"ab\"");
  EXPECT_EQ(json("ab\xe2\x82\xac", 4), "\"ab\"");
  EXPECT_EQ(json("ab\xe2\x82\xac", 5), "\"ab\xe2\x82\xac\"");
}

TEST(Upstreaminfo, IsTheDefaultLineOfIngressNginx) {
  ExchangeRecord record = plain_record();
  record.upstream_name = "default-web-80";
  record.attempts[0] = attempt("10.2.0.5", 8080, 200, 612, microseconds(2'500));
  record.attempt_count = 1;
  EXPECT_EQ(upstreaminfo(record),
            "192.0.2.7 - - [24/Nov/2026:02:13:34 +0000] \"GET /a?b=c HTTP/1.1\" 200 612 \"-\" \"curl/7.88.1\" 78 0.003 "
            "[default-web-80] [] 10.2.0.5:8080 612 0.002 200 0123456789abcdef\n");
}

TEST(Upstreaminfo, ListsTheAttemptsWithCommas) {
  ExchangeRecord record = plain_record();
  record.upstream_name = "default-web-80";
  record.attempts[0] = attempt("10.2.0.5", 80, 502, 0, microseconds(-1));
  record.attempts[1] = attempt("fd00::1", 80, 200, 612, microseconds(1'000));
  record.attempt_count = 2;
  EXPECT_NE(upstreaminfo(record).find("[] 10.2.0.5:80, [fd00::1]:80 0, 612 -, 0.001 502, 200 0123"), std::string::npos)
      << upstreaminfo(record);
}

TEST(Upstreaminfo, DescribesNoMoreAttemptsThanItHas) {
  ExchangeRecord record = plain_record();
  for (auto& one : record.attempts) one = attempt("10.0.0.1", 80, 502, 0, microseconds(0));
  record.attempt_count = 50;
  const std::string line = upstreaminfo(record);
  EXPECT_NE(line.find("502, 502, 502, 502, 502, 502, 502, 502 0123"), std::string::npos) << line;
}

TEST(Upstreaminfo, ShowsDashesWhereNothingIs) {
  ExchangeRecord record;
  record.client = *IpAddress::parse("fd00::7");
  record.status = 400;
  record.when = at(0);
  EXPECT_EQ(upstreaminfo(record),
            "fd00::7 - - [01/Jan/1970:00:00:00 +0000] \"-\" 400 0 \"-\" \"-\" 0 0.000 [-] [] - - - - -\n");
}

TEST(Upstreaminfo, SaysHttp10) {
  ExchangeRecord record = plain_record();
  record.http_minor = 0;
  EXPECT_NE(upstreaminfo(record).find("\"GET /a?b=c HTTP/1.0\""), std::string::npos);
}

TEST(Upstreaminfo, EndsWithTheGrpcStatusWhenAsked) {
  ExchangeRecord record = plain_record();
  EXPECT_TRUE(upstreaminfo(record, true).ends_with(" 0123456789abcdef -\n"));
  record.grpc_status = GrpcStatus::unavailable;
  EXPECT_TRUE(upstreaminfo(record, true).ends_with(" 0123456789abcdef 14\n"));
  EXPECT_TRUE(upstreaminfo(record).ends_with(" 0123456789abcdef\n"));
}

TEST(Upstreaminfo, SaysHttp2) {
  ExchangeRecord record = plain_record();
  record.http_major = 2;
  EXPECT_NE(upstreaminfo(record).find("\"GET /a?b=c HTTP/2.0\""), std::string::npos);
}

TEST(JsonLine, HoldsTheGrpcStatusAsANumber) {
  ExchangeRecord record = plain_record();
  record.grpc = true;
  EXPECT_EQ(json_line(record).find("grpc_status"), std::string::npos);
  record.grpc_status = GrpcStatus::ok;
  EXPECT_NE(json_line(record).find("\"status\":200,\"grpc_status\":0,"), std::string::npos);
}

TEST(JsonLine, HoldsEveryKeyThatHasAValue) {
  ExchangeRecord record = plain_record();
  Path path;
  path.path = "/a";
  Route& route = path.own_route();
  route.ns = "default";
  route.ingress = "web";
  route.service = "web";
  route.port = "http";
  record.path = &path;
  record.https = true;
  record.remote_user = "ann";
  record.referer = "https://b.example.com/";
  record.upstream_name = "default-web-http";
  record.limit = "proxy_body_size";
  record.attempts[0] = attempt("10.2.0.5", 8080, 200, 612, microseconds(2'500));
  record.attempts[0].connect_time = microseconds(-1);
  record.attempt_count = 1;
  EXPECT_EQ(json_line(record),
            R"({"time":"2026-11-24T02:13:34+00:00","remote_addr":"192.0.2.7","remote_port":51234,"remote_user":"ann",)"
            R"("host":"a.example.com","method":"GET","uri":"/a?b=c","path":"/a","protocol":"HTTP/1.1",)"
            R"("scheme":"https","status":200,"body_bytes_sent":612,"bytes_sent":800,"request_length":78,)"
            R"("request_time":0.003,"referer":"https://b.example.com/","user_agent":"curl/7.88.1",)"
            R"("request_id":"0123456789abcdef","namespace":"default","ingress":"web","service":"web",)"
            R"("service_port":"http","ingress_path":"/a","upstream_name":"default-web-http",)"
            R"("limit":"proxy_body_size","upstreams":[{"addr":"10.2.0.5:8080","status":200,"response_length":612,)"
            R"("header_time":0.002,"response_time":0.002}]})"
            "\n");
}

TEST(JsonLine, LeavesOutWhatHasNoValue) {
  ExchangeRecord record;
  record.status = 400;
  record.when = at(0);
  EXPECT_EQ(json_line(record),
            R"({"time":"1970-01-01T00:00:00+00:00","remote_addr":"::","remote_port":0,"scheme":"http","status":400,)"
            R"("body_bytes_sent":0,"bytes_sent":0,"request_length":0,"request_time":0.000})"
            "\n");
}

}  // namespace
}  // namespace fairlead

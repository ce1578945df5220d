#include <gtest/gtest.h>

#include <memory_resource>

#include "router/forwarded_headers.hpp"
#include "router/hop_headers.hpp"
#include "router/host_name.hpp"
#include "router/request_target.hpp"
#include "tests/proxy/parsed_head.hpp"

namespace fairlead {
namespace {

using namespace std::string_literals;

int status_of_head(HeadError error) {
  if (error == HeadError::line_too_long) return 414;
  if (error == HeadError::head_too_large || error == HeadError::too_many_fields) return 431;
  return error == HeadError::unknown_version ? 505 : 400;
}

// What becomes of a request's bytes before anything is routed: "400" and the like when it is refused, else how its body
// is framed ("none", "length 5", "chunked"), or "incomplete".
std::string verdict(const std::string& bytes, const Limits& limits = {}) {
  const ParsedRequest request(bytes, limits);
  if (request.error != HeadError::none) return std::to_string(status_of_head(request.error));
  if (request.size == 0) return "incomplete";
  RequestFraming framing;
  if (const FramingError error = frame_request(request.head, framing); error != FramingError::none) {
    return std::to_string(status_of(error));
  }
  if (NominatedFields(request.head.fields).overflow()) return "400";
  std::pmr::monotonic_buffer_resource arena;
  RequestTarget target;
  if (parse_target(request.head.target, &arena, target) != TargetError::none) return "400";
  char name[max_host_name];
  if (!canonical_host(request.head.fields.value(FieldName::host), name)) return "400";
  switch (framing.body) {
    case BodyKind::none:
      return "none";
    case BodyKind::length:
      return "length " + std::to_string(framing.length);
    case BodyKind::chunked:
      return "chunked";
    case BodyKind::until_close:
      return "until close";
  }
  return "";
}

// A POST with a Host and these lines.
std::string post(const std::string& lines) {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n";
}
std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n";
}

TEST(RequestSmuggling, EveryWayToBeReadTwiceHasOneVerdict) {
  const struct {
    const char* what;
    std::string bytes;
    const char* verdict;
  } cases[] = {
      // What is right.
      {"no body", get("/"), "none"},
      {"a length", post("Content-Length: 5\r\n"), "length 5"},
      {"chunked", post("Transfer-Encoding: chunked\r\n"), "chunked"},
      {"a head that is not whole", "GET / HTTP/1.1\r\nHost: x\r\n", "incomplete"},

      // Content-Length beside Transfer-Encoding.
      {"CL.TE", post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n"), "400"},
      {"TE.CL", post("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n"), "400"},
      {"CL.TE in other letters", post("CONTENT-LENGTH: 6\r\ntransfer-ENCODING: ChunkeD\r\n"), "400"},
      {"CL.0 with TE", post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), "400"},
      {"CL with an unknown coding", post("Content-Length: 6\r\nTransfer-Encoding: cow\r\n"), "400"},
      {"CL with an empty coding", post("Content-Length: 6\r\nTransfer-Encoding:\r\n"), "400"},

      // Several, empty or odd Content-Lengths.
      {"two different lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n"), "400"},
      {"two equal lengths", post("Content-Length: 5\r\nContent-Length: 5\r\n"), "400"},
      {"a list of lengths", post("Content-Length: 5, 5\r\n"), "400"},
      {"an empty length", post("Content-Length:\r\n"), "400"},
      {"an empty length beside another", post("Content-Length:\r\nContent-Length: 5\r\n"), "400"},
      {"a length with a plus", post("Content-Length: +5\r\n"), "400"},
      {"a negative length", post("Content-Length: -5\r\n"), "400"},
      {"a hexadecimal length", post("Content-Length: 0x5\r\n"), "400"},
      {"a length with an underscore", post("Content-Length: 1_0\r\n"), "400"},
      {"a length with a vertical tab", post("Content-Length: \v5\r\n"), "400"},
      {"a length of 2^64 + 5", post("Content-Length: 18446744073709551621\r\n"), "400"},

      // A Transfer-Encoding other than one chunked.
      {"chunked twice in a line", post("Transfer-Encoding: chunked, chunked\r\n"), "400"},
      {"chunked on two lines", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), "400"},
      {"chunked is not the last", post("Transfer-Encoding: chunked, identity\r\n"), "400"},
      {"chunked after another", post("Transfer-Encoding: gzip, chunked\r\n"), "400"},
      {"an unknown coding", post("Transfer-Encoding: cow\r\n"), "501"},
      {"identity", post("Transfer-Encoding: identity\r\n"), "501"},
      {"chunked in front of garbage", post("Transfer-Encoding: chunkedx\r\n"), "501"},
      {"garbage in front of chunked", post("Transfer-Encoding: xchunked\r\n"), "501"},
      {"quoted chunked", post("Transfer-Encoding: \"chunked\"\r\n"), "501"},
      {"a vertical tab before chunked", post("Transfer-Encoding:\vchunked\r\n"), "400"},
      {"a bare CR before chunked", post("Transfer-Encoding: \rchunked\r\n"), "400"},
      {"a non-breaking space before chunked",
       post("Transfer-Encoding: \xa0"
            "chunked\r\n"),
       "501"},
      {"a coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
      {"a look-alike name is just another field", post("Transfer_Encoding: chunked\r\n"), "none"},

      // Line folding, bare line ends.
      {"a folded value", post("X: a\r\n b\r\n"), "400"},
      {"a folded coding", post("Transfer-Encoding:\r\n chunked\r\n"), "400"},
      {"a fold with a tab", post("X: a\r\n\tb\r\n"), "400"},
      {"white space before the first field", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", "400"},
      {"a bare LF after the request line", "GET / HTTP/1.1\nHost: x\r\n\r\n", "400"},
      {"a bare LF after a field", "GET / HTTP/1.1\r\nHost: x\nContent-Length: 5\r\n\r\n", "400"},
      {"a bare LF as the empty line", "GET / HTTP/1.1\r\nHost: x\r\n\n", "400"},
      {"a bare CR in a value", post("X: a\rContent-Length: 5\r\n"), "400"},
      {"a bare CR in a name", post("X\rY: a\r\n"), "400"},
      {"a bare CR in the request line", "GET /\rHTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"CR CR LF", post("X: a\r\r\n"), "400"},

      // Names.
      {"a space before the colon", post("Content-Length : 5\r\n"), "400"},
      {"a tab before the colon", post("Transfer-Encoding\t: chunked\r\n"), "400"},
      {"a space in a name", post("Content Length: 5\r\n"), "400"},
      {"an empty name", post(": 5\r\n"), "400"},
      {"a line without a colon", post("Content-Length\r\n"), "400"},
      {"a NUL in a name", post("Content-\0Length: 5\r\n"s), "400"},
      {"a byte over 0x7f in a name", post("Content-Length\xa0: 5\r\n"), "400"},
      {"a slash in a name", post("a/b: 5\r\n"), "400"},

      // NUL and other control characters.
      {"a NUL in a value", post("X: a\0b\r\n"s), "400"},
      {"a NUL after a length", post("Content-Length: 5\0\r\n"s), "400"},
      {"a NUL in the target", get("/a\0b"s), "400"},
      {"an encoded NUL in the target", get("/a%00b"), "400"},
      {"DEL in a value", post("X: a\x7f\r\n"), "400"},
      {"a tab in a value is text", post("X: a\tb\r\n"), "none"},

      // The request line.
      {"a fragment", get("/a#b"), "400"},
      {"a fragment in the query", get("/a?b#c"), "400"},
      {"an encoded number sign is text", get("/a%23b"), "none"},
      {"a space in the target", get("/a b"), "400"},
      {"two spaces before the target", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"a tab before the version", "GET /\tHTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"a space after the version", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n", "400"},
      {"no version", "GET /\r\n\r\n", "400"},
      {"HTTP/0.9 with a version", "GET / HTTP/0.9\r\nHost: x\r\n\r\n", "505"},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", "505"},
      {"HTTP/1.10", "GET / HTTP/1.10\r\nHost: x\r\n\r\n", "400"},
      {"HTTP/01.1", "GET / HTTP/01.1\r\nHost: x\r\n\r\n", "400"},
      {"HTTP/1.", "GET / HTTP/1.\r\nHost: x\r\n\r\n", "400"},
      {"the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\n", "505"},
      {"a TLS hello", "\x16\x03\x01\x02\n"s, "400"},
      {"a method that is no token", "GE{T / HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"above the root", get("/a/../../b"), "400"},
      {"above the root, encoded", get("/%2e%2e/b"), "400"},
      {"dot segments behind an encoded slash", get("/a%2f..%2fb"), "400"},
      {"half a percent-encoding", get("/a%2"), "400"},
      {"no path", get("a"), "400"},
      {"another scheme", get("ftp://x/"), "400"},
      {"userinfo", get("http://u:p@x/"), "400"},
      {"no authority", get("http:///a"), "400"},

      // Host.
      {"no Host", "GET / HTTP/1.1\r\n\r\n", "400"},
      {"no Host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "none"},
      {"two Hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400"},
      {"the same Host twice", "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "400"},
      {"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", "400"},
      {"two Hosts in one", "GET / HTTP/1.1\r\nHost: x, y\r\n\r\n", "400"},
      {"a path in Host", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", "400"},
      {"userinfo in Host", "GET / HTTP/1.1\r\nHost: u@x\r\n\r\n", "400"},
      {"a port that is none", "GET / HTTP/1.1\r\nHost: x:a\r\n\r\n", "400"},
      {"a Host with port and trailing dot", "GET / HTTP/1.1\r\nHost: X.:8080\r\n\r\n", "none"},

      // Expectations.
      {"an unknown expectation", post("Expect: 100-continues\r\n"), "417"},
  };
  for (const auto& c : cases) EXPECT_EQ(verdict(c.bytes), c.verdict) << c.what;
}

// What serve() compares for an absolute target: two names that are not one.
TEST(RequestSmuggling, AnAbsoluteTargetNamesItsOwnHost) {
  const struct {
    const char* authority;
    const char* host;
    bool same;
  } cases[] = {
      {"a.example.com", "a.example.com", true},       {"A.example.com:80", "a.example.com", true},
      {"a.example.com.", "a.example.com:80", true},   {"b.example.com", "a.example.com", false},
      {"a.example.com.evil", "a.example.com", false}, {"[::1]", "[::1]:80", true},
  };
  for (const auto& c : cases) {
    std::pmr::monotonic_buffer_resource arena;
    RequestTarget target;
    const std::string text = "http://"s + c.authority + "/x";
    ASSERT_EQ(parse_target(text, &arena, target), TargetError::none);
    EXPECT_EQ(target.authority, c.authority);
    EXPECT_EQ(target.path, "/x");
    char one[max_host_name], other[max_host_name];
    const auto named = canonical_host(target.authority, one);
    const auto received = canonical_host(c.host, other);
    ASSERT_TRUE(named && received);
    EXPECT_EQ(*named == *received, c.same) << c.authority << " " << c.host;
  }
}

TEST(RequestSmuggling, WhatBelongsToTheConnectionOrToUsIsNotForwarded) {
  const ParsedRequest request(
      post("Connection: close, X-Secret, x-forwarded-for, Content-Length\r\nX-Secret: 1\r\nKeep-Alive: 5\r\n"
           "Proxy-Connection: keep-alive\r\nProxy: http://evil\r\nTE: trailers\r\nTrailer: X-Sum\r\n"
           "Upgrade: h2c\r\nX-Forwarded-For: 10.0.0.1\r\nX_Forwarded_For: 10.0.0.1\r\nX-Real-IP: 10.0.0.1\r\n"
           "X-Forwarded-Proto: https\r\nx-forwarded_host: evil\r\nContent-Length: 5\r\nAccept: x\r\nX-Other: y\r\n"));
  ASSERT_EQ(request.error, HeadError::none);
  const NominatedFields nominated(request.head.fields);
  std::string forwarded;
  for (const Field& field : request.head.fields.list) {
    if (is_hop_by_hop(field.known) || is_forwarded_field(field) || nominated.contains(field.name)) continue;
    forwarded.append(field.name).append(" ");
  }
  EXPECT_EQ(forwarded, "Host Content-Length Accept X-Other ");
}

TEST(RequestSmuggling, MoreNominationsThanCanBeKeptAreRefused) {
  std::string names = "a0";
  for (std::size_t i = 1; i < NominatedFields::max_names; ++i) names += ", a" + std::to_string(i);
  EXPECT_EQ(verdict(post("Connection: " + names + "\r\n")), "none");
  EXPECT_EQ(verdict(post("Connection: " + names + ", one-more\r\n")), "400");
}

// With the limits that users get: the last that passes, and one past it.
TEST(RequestLimits, TheRequestLineHoldsAtItsLimitAndNotOnePast) {
  const Limits limits;
  const std::string around = "GET / HTTP/1.1";
  const std::string fill(limits.max_request_line_bytes - around.size(), 'a');
  EXPECT_EQ(verdict(get("/" + fill)), "none");
  EXPECT_EQ(verdict(get("/a" + fill)), "414");
  EXPECT_EQ(verdict("GET /a" + fill + std::string(20, 'a')), "414") << "without waiting for its end";
}

TEST(RequestLimits, TheHeadHoldsAtItsLimitAndNotOnePast) {
  const Limits limits;
  const std::string fill(limits.max_request_head_bytes - post("X: \r\n").size(), 'a');
  EXPECT_EQ(verdict(post("X: " + fill + "\r\n")), "none");
  EXPECT_EQ(verdict(post("X: a" + fill + "\r\n")), "431");
  EXPECT_EQ(verdict(post("").substr(0, 24) + "X: " + std::string(limits.max_request_head_bytes, 'a')), "431")
      << "without waiting for its end";
}

TEST(RequestLimits, TheHeaderCountHoldsAtItsLimitAndNotOnePast) {
  const Limits limits;
  std::string lines;
  for (std::size_t i = 1; i < limits.max_header_count; ++i) lines += "A: b\r\n";  // with Host
  EXPECT_EQ(verdict(post(lines)), "none");
  EXPECT_EQ(verdict(post(lines + "A: b\r\n")), "431");
}

TEST(ResponseLimits, TheHeadHoldsAtItsLimitAndNotOnePast) {
  const Limits limits;
  const std::string start = "HTTP/1.1 200 OK\r\nX: ";
  const std::string fill(limits.max_response_head_bytes - start.size() - 4, 'a');
  EXPECT_EQ(ParsedResponse(start + fill + "\r\n\r\n").error, HeadError::none);
  EXPECT_NE(ParsedResponse(start + fill + "\r\n\r\n").size, 0u);
  EXPECT_EQ(ParsedResponse(start + "a" + fill + "\r\n\r\n").error, HeadError::head_too_large);
}

TEST(ResponseLimits, TheHeaderCountHoldsAtItsLimitAndNotOnePast) {
  const Limits limits;
  std::string lines;
  for (std::size_t i = 0; i < limits.max_header_count; ++i) lines += "A: b\r\n";
  EXPECT_EQ(ParsedResponse("HTTP/1.1 200 OK\r\n" + lines + "\r\n").error, HeadError::none);
  EXPECT_EQ(ParsedResponse("HTTP/1.1 200 OK\r\nB: c\r\n" + lines + "\r\n").error, HeadError::too_many_fields);
}

}  // namespace
}  // namespace fairlead

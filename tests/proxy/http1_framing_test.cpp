#include "proxy/http1_framing.hpp"

#include <gtest/gtest.h>

#include "tests/proxy/parsed_head.hpp"

namespace fairlead {
namespace {

// fields: lines that follow the request line and (for HTTP/1.1) a Host.
FramingError request_error(const std::string& fields, RequestFraming& framing, int minor = 1) {
  const std::string version = minor == 1 ? "HTTP/1.1\r\nHost: x\r\n" : "HTTP/1.0\r\n";
  const ParsedRequest request("POST / " + version + fields + "\r\n");
  EXPECT_EQ(request.error, HeadError::none) << fields;
  return frame_request(request.head, framing);
}

FramingError response_error(int status, const std::string& fields, ResponseFraming& framing,
                            Method method = Method::get, int minor = 1) {
  const std::string version = minor == 1 ? "HTTP/1.1 " : "HTTP/1.0 ";
  const ParsedResponse response(version + std::to_string(status) + " x\r\n" + fields + "\r\n");
  EXPECT_EQ(response.error, HeadError::none) << fields;
  return frame_response(response.head, method, framing);
}

TEST(RequestFraming, TheBodyIsKnownFromTheHead) {
  const struct {
    const char* fields;
    BodyKind body;
    std::uint64_t length;
  } cases[] = {
      {"", BodyKind::none, 0},
      {"Content-Length: 0\r\n", BodyKind::none, 0},
      {"Content-Length: 7\r\n", BodyKind::length, 7},
      {"Content-Length: 007\r\n", BodyKind::length, 7},
      {"content-length: \t9223372036854775807 \r\n", BodyKind::length, 9223372036854775807u},
      {"Transfer-Encoding: chunked\r\n", BodyKind::chunked, 0},
      {"transfer-encoding: CHUNKED\r\n", BodyKind::chunked, 0},
  };
  for (const auto& c : cases) {
    RequestFraming framing;
    ASSERT_EQ(request_error(c.fields, framing), FramingError::none) << c.fields;
    EXPECT_EQ(framing.body, c.body) << c.fields;
    EXPECT_EQ(framing.length, c.length) << c.fields;
  }
}

TEST(RequestFraming, WhatTwoServersCouldFrameInTwoWaysIsRefused) {
  const struct {
    const char* fields;
    FramingError error;
    int status;
  } cases[] = {
      {"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", FramingError::length_and_coding, 400},
      {"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", FramingError::length_and_coding, 400},
      {"Transfer-Encoding: x\r\nContent-Length: y\r\n", FramingError::length_and_coding, 400},
      {"Content-Length: 4\r\nContent-Length: 5\r\n", FramingError::several_lengths, 400},
      {"Content-Length: 4\r\nContent-Length: 4\r\n", FramingError::several_lengths, 400},
      {"Content-Length: 4, 4\r\n", FramingError::bad_length, 400},
      {"Content-Length:\r\n", FramingError::bad_length, 400},
      {"Content-Length: +4\r\n", FramingError::bad_length, 400},
      {"Content-Length: -4\r\n", FramingError::bad_length, 400},
      {"Content-Length: 0x4\r\n", FramingError::bad_length, 400},
      {"Content-Length: 4 4\r\n", FramingError::bad_length, 400},
      {"Content-Length: 4.0\r\n", FramingError::bad_length, 400},
      {"Content-Length: 9223372036854775808\r\n", FramingError::bad_length, 400},
      {"Content-Length: 18446744073709551620\r\n", FramingError::bad_length, 400},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", FramingError::bad_coding, 400},
      {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", FramingError::bad_coding, 400},
      {"Transfer-Encoding: chunked, chunked\r\n", FramingError::bad_coding, 400},
      {"Transfer-Encoding: gzip, chunked\r\n", FramingError::bad_coding, 400},
      {"Transfer-Encoding: chunked, gzip\r\n", FramingError::bad_coding, 400},
      {"Transfer-Encoding: chunked,\r\n", FramingError::bad_coding, 400},
      {"Transfer-Encoding:\r\n", FramingError::bad_coding, 400},
      {"Transfer-Encoding: gzip\r\n", FramingError::unknown_coding, 501},
      {"Transfer-Encoding: identity\r\n", FramingError::unknown_coding, 501},
      {"Transfer-Encoding: xchunked\r\n", FramingError::unknown_coding, 501},
      {"Transfer-Encoding: chunked;q=1\r\n", FramingError::unknown_coding, 501},
      {"Transfer-Encoding: \"chunked\"\r\n", FramingError::unknown_coding, 501},
      {"Host: y\r\n", FramingError::several_hosts, 400},
      {"Host: x\r\n", FramingError::several_hosts, 400},
      {"Expect: 200-ok\r\n", FramingError::unknown_expectation, 417},
  };
  for (const auto& c : cases) {
    RequestFraming framing;
    EXPECT_EQ(request_error(c.fields, framing), c.error) << c.fields;
    EXPECT_EQ(status_of(c.error), c.status) << c.fields;
  }
}

TEST(RequestFraming, AnHttp10MessageHasNoCodingAndNeedsNoHost) {
  RequestFraming framing;
  EXPECT_EQ(request_error("", framing, 0), FramingError::none);
  EXPECT_EQ(request_error("Transfer-Encoding: chunked\r\n", framing, 0), FramingError::coding_in_http10);
  EXPECT_EQ(request_error("Host: x\r\nHost: x\r\n", framing, 0), FramingError::several_hosts);
}

TEST(RequestFraming, Http11WithoutHostIsRefused) {
  const ParsedRequest request("GET / HTTP/1.1\r\n\r\n");
  RequestFraming framing;
  EXPECT_EQ(frame_request(request.head, framing), FramingError::missing_host);
}

TEST(RequestFraming, PersistenceFollowsVersionAndConnection) {
  const struct {
    int minor;
    const char* fields;
    bool keep_alive;
  } cases[] = {
      {1, "", true},
      {1, "Connection: close\r\n", false},
      {1, "Connection: Foo, CLOSE\r\n", false},
      {1, "Connection: keep-alive\r\nConnection: close\r\n", false},
      {1, "Connection: closed\r\n", true},
      {0, "", false},
      {0, "Connection: Keep-Alive\r\n", true},
      {0, "Connection: keep-alive, close\r\n", false},
  };
  for (const auto& c : cases) {
    RequestFraming framing;
    ASSERT_EQ(request_error(c.fields, framing, c.minor), FramingError::none) << c.fields;
    EXPECT_EQ(framing.keep_alive, c.keep_alive) << c.minor << " " << c.fields;
  }
}

TEST(RequestFraming, AnUpgradeNeedsBothItsFieldsAndHttp11) {
  RequestFraming framing;
  request_error("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n", framing);
  EXPECT_TRUE(framing.upgrade);
  request_error("Upgrade: websocket\r\n", framing);
  EXPECT_FALSE(framing.upgrade);
  request_error("Connection: Upgrade\r\n", framing);
  EXPECT_FALSE(framing.upgrade);
  request_error("Connection: Upgrade\r\nUpgrade:\r\n", framing);
  EXPECT_FALSE(framing.upgrade);
  request_error("Connection: Upgrade\r\nUpgrade: websocket\r\n", framing, 0);
  EXPECT_FALSE(framing.upgrade);
}

TEST(RequestFraming, ExpectationsCountInHttp11Only) {
  RequestFraming framing;
  EXPECT_EQ(request_error("Expect: 100-Continue\r\nContent-Length: 1\r\n", framing), FramingError::none);
  EXPECT_TRUE(framing.expect_continue);
  EXPECT_EQ(request_error("Expect: 100-continue\r\nContent-Length: 1\r\n", framing, 0), FramingError::none);
  EXPECT_FALSE(framing.expect_continue);
}

TEST(ResponseFraming, TheBodyIsKnownFromHeadAndRequest) {
  const struct {
    int status;
    const char* fields;
    Method method;
    BodyKind body;
    std::uint64_t length;
    bool keep_alive;
  } cases[] = {
      {200, "Content-Length: 5\r\n", Method::get, BodyKind::length, 5, true},
      {200, "Content-Length: 0\r\n", Method::get, BodyKind::none, 0, true},
      {200, "Transfer-Encoding: chunked\r\n", Method::get, BodyKind::chunked, 0, true},
      {200, "Transfer-Encoding: chunked\r\nConnection: close\r\n", Method::get, BodyKind::chunked, 0, false},
      {200, "", Method::get, BodyKind::until_close, 0, false},
      {200, "", Method::head, BodyKind::none, 0, true},
      {200, "Content-Length: 5\r\n", Method::head, BodyKind::none, 5, true},
      {200, "Transfer-Encoding: chunked\r\n", Method::head, BodyKind::none, 0, true},
      {100, "", Method::get, BodyKind::none, 0, true},
      {103, "Content-Length: 5\r\n", Method::get, BodyKind::none, 5, true},
      {204, "", Method::get, BodyKind::none, 0, true},
      {204, "Transfer-Encoding: chunked\r\n", Method::get, BodyKind::none, 0, true},
      {304, "Content-Length: 5\r\n", Method::get, BodyKind::none, 5, true},
  };
  for (const auto& c : cases) {
    ResponseFraming framing;
    ASSERT_EQ(response_error(c.status, c.fields, framing, c.method), FramingError::none) << c.status << c.fields;
    EXPECT_EQ(framing.body, c.body) << c.status << c.fields;
    EXPECT_EQ(framing.length, c.length) << c.status << c.fields;
    EXPECT_EQ(framing.keep_alive, c.keep_alive) << c.status << c.fields;
  }
}

TEST(ResponseFraming, AnAmbiguousResponseIsRefusedWhateverItsStatus) {
  ResponseFraming framing;
  for (const int status : {200, 204, 304, 101}) {
    EXPECT_EQ(response_error(status, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", framing),
              FramingError::length_and_coding);
    EXPECT_EQ(response_error(status, "Content-Length: 5\r\nContent-Length: 5\r\n", framing),
              FramingError::several_lengths);
    EXPECT_EQ(response_error(status, "Content-Length: five\r\n", framing), FramingError::bad_length);
  }
  EXPECT_EQ(response_error(200, "Transfer-Encoding: gzip\r\n", framing), FramingError::unknown_coding);
  EXPECT_EQ(response_error(200, "Transfer-Encoding: chunked\r\n", framing, Method::get, 0),
            FramingError::coding_in_http10);
}

TEST(ResponseFraming, AnHttp10ResponsePersistsOnlyWhenItSaysSo) {
  ResponseFraming framing;
  response_error(200, "Content-Length: 5\r\n", framing, Method::get, 0);
  EXPECT_FALSE(framing.keep_alive);
  response_error(200, "Content-Length: 5\r\nConnection: keep-alive\r\n", framing, Method::get, 0);
  EXPECT_TRUE(framing.keep_alive);
}

TEST(FramingError, EachOneHasWordsOfItsOwn) {
  std::vector<std::string_view> seen;
  for (int error = 0; error <= static_cast<int>(FramingError::unknown_expectation); ++error) {
    const std::string_view words = describe(static_cast<FramingError>(error));
    EXPECT_NE(words, "unknown");
    EXPECT_EQ(std::count(seen.begin(), seen.end(), words), 0) << words;
    seen.push_back(words);
  }
}

}  // namespace
}  // namespace fairlead

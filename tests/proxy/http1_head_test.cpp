#include "proxy/http1_head.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <string>

namespace fairlead {
namespace {

HeadError request_error(const std::string& bytes, std::size_t max_fields = 8) {
  std::vector<Field> fields;
  fields.reserve(max_fields);
  RequestHead head;
  HeadScan scan;
  HeadError error = HeadError::none;
  const std::size_t size = find_head(bytes, {100, 400}, scan, error);
  if (error != HeadError::none || size == 0) return error;
  return parse_request_head(std::string_view(bytes).substr(0, size), fields, head);
}

TEST(RequestHead, APlainRequestIsReadAsItStands) {
  const std::string bytes = "GET /a?b HTTP/1.1\r\nHost: x\r\nX-Empty:\r\nAccept: \t y z \t\r\n\r\n";
  std::vector<Field> fields;
  fields.reserve(8);
  RequestHead head;
  ASSERT_EQ(parse_request_head(bytes, fields, head), HeadError::none);
  EXPECT_EQ(head.method, Method::get);
  EXPECT_EQ(head.target, "/a?b");
  EXPECT_EQ(head.minor_version, 1);
  ASSERT_EQ(head.fields.list.size(), 3u);
  EXPECT_EQ(head.fields.list[0].known, FieldName::host);
  EXPECT_EQ(head.fields.list[1].value, "");
  EXPECT_EQ(head.fields.list[2].value, "y z");
  EXPECT_EQ(std::string_view(head.fields.end, 2), "\r\n");
}

TEST(RequestHead, WhatCouldBeReadTwoWaysIsRefused) {
  const struct {
    const char* what;
    std::string bytes;
    HeadError error;
  } cases[] = {
      {"bare LF after the request line", "GET / HTTP/1.1\nHost: x\r\n\r\n", HeadError::bare_line_feed},
      {"bare LF after a field", "GET / HTTP/1.1\r\nHost: x\n\r\n", HeadError::bare_line_feed},
      {"bare CR in a value", "GET / HTTP/1.1\r\nHost: x\ry\r\n\r\n", HeadError::bad_field_value},
      {"NUL in a value", std::string("GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n", 30), HeadError::bad_field_value},
      {"folded line", "GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n", HeadError::folded_line},
      {"white space before the first field", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", HeadError::folded_line},
      {"space before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", HeadError::bad_field_name},
      {"space in a name", "GET / HTTP/1.1\r\nHo st: x\r\n\r\n", HeadError::bad_field_name},
      {"empty name", "GET / HTTP/1.1\r\n: x\r\n\r\n", HeadError::bad_field_name},
      {"a line without a colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", HeadError::bad_field_name},
      {"two spaces in the request line", "GET  / HTTP/1.1\r\n\r\n", HeadError::bad_request_line},
      {"space in the target", "GET /a b HTTP/1.1\r\n\r\n", HeadError::bad_version},
      {"tab in the target", "GET /a\tb HTTP/1.1\r\n\r\n", HeadError::bad_target},
      {"a byte over 0x7e in the target", "GET /\xc3\xa4 HTTP/1.1\r\n\r\n", HeadError::bad_target},
      {"trailing space after the version", "GET / HTTP/1.1 \r\n\r\n", HeadError::bad_request_line},
      {"a bare CR after the version", "GET / HTTP/1.1\rXHost: a.test\r\n\r\n", HeadError::bad_request_line},
      {"a bare CR in front of the fields", "GET / HTTP/1.1\r\n\rXHost: a.test\r\n\r\n", HeadError::bad_field_name},
      {"no version", "GET /\r\n\r\n", HeadError::bad_request_line},
      {"lower-case protocol", "GET / http/1.1\r\n\r\n", HeadError::bad_version},
      {"HTTP/2.0", "GET / HTTP/2.0\r\n\r\n", HeadError::unknown_version},
      {"a method that is no token", "G(T / HTTP/1.1\r\n\r\n", HeadError::bad_method},
  };
  for (const auto& c : cases) EXPECT_EQ(request_error(c.bytes), c.error) << c.what;
}

TEST(RequestHead, EachBoundHoldsAtItsValueAndNotOnePast) {
  const std::string version = " HTTP/1.1\r\n\r\n";
  const std::string fits = "GET /" + std::string(100 - 5 - 9, 'a') + version;
  EXPECT_EQ(request_error(fits), HeadError::none);
  EXPECT_EQ(request_error("GET /a" + fits.substr(5)), HeadError::line_too_long);

  const std::string start = "GET / HTTP/1.1\r\nA: ";
  const std::string whole = start + std::string(400 - start.size() - 4, 'v') + "\r\n\r\n";
  EXPECT_EQ(request_error(whole), HeadError::none);
  EXPECT_EQ(request_error(start + "v" + whole.substr(start.size())), HeadError::head_too_large);

  EXPECT_EQ(request_error("GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\n", 2), HeadError::none);
  EXPECT_EQ(request_error("GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", 2), HeadError::too_many_fields);
}

TEST(RequestHead, ArrivingByteByByteIsFoundOnceWhole) {
  const std::string bytes = "GET / HTTP/1.1\r\nHost: x\r\n\r\nbody";
  HeadScan scan;
  HeadError error = HeadError::none;
  for (std::size_t size = 1; size < bytes.size() - 4; ++size) {
    EXPECT_EQ(find_head(std::string_view(bytes).substr(0, size), {100, 400}, scan, error), 0u);
  }
  EXPECT_EQ(find_head(bytes, {100, 400}, scan, error), bytes.size() - 4);
  EXPECT_EQ(error, HeadError::none);
}

TEST(RequestHead, ControlCharactersAreFoundAtEveryOffset) {
  for (std::size_t offset = 0; offset < 24; ++offset) {
    for (int c = 0; c < 256; ++c) {
      std::string value(24, 'v');
      value[offset] = static_cast<char>(c);
      const bool control = (c < 0x20 && c != '\t') || c == 0x7f;
      const HeadError error = request_error("GET / HTTP/1.1\r\nA: " + value + "\r\n\r\n");
      EXPECT_EQ(error != HeadError::none, control) << "byte " << c << " at " << offset;
    }
  }
}

TEST(RequestHead, WhatIsNoTokenIsRefusedAtEveryOffsetOfAName) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  for (const std::string_view name : {"Content-Length", "X-Other-Field"}) {
    for (std::size_t offset = 0; offset < name.size(); ++offset) {
      for (int c = 0; c < 256; ++c) {
        std::string changed(name);
        changed[offset] = static_cast<char>(c);
        const bool token = std::isalnum(c) || (c != 0 && others.find(static_cast<char>(c)) != std::string_view::npos);
        const bool shorter = c == ':' && offset > 0;  // a name that ends there
        const HeadError error = request_error("GET / HTTP/1.1\r\n" + changed + ": 1\r\n\r\n");
        EXPECT_EQ(error == HeadError::none, token || shorter) << "byte " << c << " at " << offset << " of " << name;
      }
    }
  }
}

TEST(ResponseHead, AReasonMayBeMissingOrEmpty) {
  for (const std::string line : {"HTTP/1.1 204\r\n\r\n", "HTTP/1.1 204 \r\n\r\n", "HTTP/1.0 204 No Content\r\n\r\n"}) {
    std::vector<Field> fields;
    fields.reserve(4);
    ResponseHead head;
    EXPECT_EQ(parse_response_head(line, fields, head), HeadError::none) << line;
    EXPECT_EQ(head.status, 204);
  }
}

TEST(ResponseHead, AMalformedStatusLineIsRefused) {
  for (const std::string line : {"HTTP/1.1 99 Low\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
                                 "HTTP/1.1  200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n", "200 OK\r\n\r\n",
                                 "HTTP/1.1 200\rXA: b\r\n\r\n", "HTTP/1.1 200 OK\rXContent-Length: 5\r\n\r\n"}) {
    std::vector<Field> fields;
    fields.reserve(4);
    ResponseHead head;
    EXPECT_EQ(parse_response_head(line, fields, head), HeadError::bad_status_line) << line;
  }
}

}  // namespace
}  // namespace fairlead

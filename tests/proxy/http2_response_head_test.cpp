#include "proxy/http2_response_head.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

class Http2ResponseHeadTest : public testing::Test {
 protected:
  bool head(std::string_view status, std::string_view name = {}, std::string_view value = {}) {
    heads.field(":status", status);
    if (!name.empty()) heads.field(name, value);
    return heads.complete();
  }

  Limits limits{.max_header_count = 2, .max_response_head_bytes = 100, .max_interim_responses = 2};
  Http2ResponseHead heads{limits};
};

TEST_F(Http2ResponseHeadTest, SaysInHttp11WhatTheFieldsSay) {
  EXPECT_TRUE(head("200", "x-a", "b c"));
  EXPECT_EQ(heads.next(), "HTTP/1.1 200 \r\nx-a: b c\r\n\r\n");
  EXPECT_EQ(heads.next(), "");
}

TEST_F(Http2ResponseHeadTest, KeepsInterimHeadsInOrder) {
  EXPECT_FALSE(head("103", "link", "</a>"));
  EXPECT_FALSE(head("100"));
  EXPECT_TRUE(head("204"));
  EXPECT_EQ(heads.next(), "HTTP/1.1 103 \r\nlink: </a>\r\n\r\n");
  EXPECT_EQ(heads.next(), "HTTP/1.1 100 \r\n\r\n");
  EXPECT_EQ(heads.next(), "HTTP/1.1 204 \r\n\r\n");
}

TEST_F(Http2ResponseHeadTest, HasNoPartOfAHeadThatIsNotWhole) {
  heads.field(":status", "200");
  EXPECT_EQ(heads.next(), "");
}

TEST_F(Http2ResponseHeadTest, NamesTheLimitThatWasExceeded) {
  head("200", "x", std::string(100, 'x'));
  EXPECT_EQ(heads.limit(), "max_response_head_bytes");
  EXPECT_EQ(heads.next(), "");
  heads.clear();
  heads.field(":status", "200");
  for (const char* const name : {"a", "b", "c"}) heads.field(name, "1");
  EXPECT_EQ(heads.limit(), "max_header_count");
  heads.clear();
  for (int i = 0; i < 3; ++i) head("103");
  EXPECT_EQ(heads.limit(), "max_interim_responses");
}

}  // namespace
}  // namespace fairlead

#include "router/head.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fairlead {
namespace {

TEST(FieldName, IsFoundWhateverTheCase) {
  EXPECT_EQ(field_name("Content-Length"), FieldName::content_length);
  EXPECT_EQ(field_name("content-length"), FieldName::content_length);
  EXPECT_EQ(field_name("TE"), FieldName::te);
  EXPECT_EQ(field_name("access-control-request-headers"), FieldName::access_control_request_headers);
}

TEST(FieldName, AnUnderscoreIsNoHyphen) {
  EXPECT_EQ(field_name("content_length"), FieldName::other);
  EXPECT_EQ(field_name(""), FieldName::other);
  EXPECT_EQ(field_name("content-lengths"), FieldName::other);
}

TEST(FieldName, NothingButTheCaseOfLettersMayDiffer) {
  for (const std::string_view known :
       {"te", "host", "proxy", "referer", "keep-alive", "transfer-encoding", "access-control-request-method"}) {
    for (std::size_t at = 0; at < known.size(); ++at) {
      for (int c = 0; c < 256; ++c) {
        std::string name(known);
        name[at] = static_cast<char>(c);
        EXPECT_EQ(field_name(name) == field_name(known), equal_ignoring_case(name, known)) << name;
      }
    }
  }
}

TEST(HeaderList, ATokenIsFoundOnlyWhole) {
  EXPECT_TRUE(list_contains("keep-alive, Upgrade", "upgrade"));
  EXPECT_TRUE(list_contains(" ,close ,", "close"));
  EXPECT_FALSE(list_contains("not-close", "close"));
  EXPECT_FALSE(list_contains("close x", "close"));
}

TEST(Method, IsCaseSensitive) {
  EXPECT_EQ(method_of("GET"), Method::get);
  EXPECT_EQ(method_of("get"), Method::other);
  EXPECT_FALSE(is_idempotent(Method::post));
  EXPECT_FALSE(is_idempotent(Method::other));
  EXPECT_TRUE(is_idempotent(Method::put));
}

TEST(HeadEdits, ALaterSetReplacesEarlierEditsOfTheName) {
  std::pmr::monotonic_buffer_resource arena;
  HeadEdits edits(&arena);
  edits.add("X-A", "1");
  edits.set("x-a", "2");
  edits.add("X-A", "3");
  ASSERT_EQ(edits.list().size(), 2u);
  EXPECT_EQ(edits.list()[0].value, "2");
  EXPECT_EQ(edits.list()[1].operation, HeadEdits::Operation::add);
}

TEST(HeadEdits, AnAddedFieldLeavesReceivedOnesAlone) {
  std::pmr::monotonic_buffer_resource arena;
  HeadEdits edits(&arena);
  edits.add("Vary", "Origin");
  edits.remove("Server");
  EXPECT_FALSE(edits.drops({"vary", "x", FieldName::other}));
  EXPECT_TRUE(edits.drops({"SERVER", "x", FieldName::server}));
}

}  // namespace
}  // namespace fairlead

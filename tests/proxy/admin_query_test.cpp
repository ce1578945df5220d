#include "proxy/admin_query.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

TEST(AdminQuery, IsTakenApartAndDecoded) {
  const auto query = AdminQuery::parse("/routes?host=%2A.example.com&limit=5&flag&limit=6&=x");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->path, "/routes");
  EXPECT_EQ(query->parameter("host"), "*.example.com");
  EXPECT_EQ(query->parameter("limit"), "6");
  EXPECT_EQ(query->parameter("flag"), "");
  EXPECT_EQ(query->parameter("none"), "");
  EXPECT_EQ(query->parameters.size(), 3u);
}

TEST(AdminQuery, RefusesBrokenEscapes) {
  for (const char* bad : {"/%", "/%4", "/%zz", "/a?b=%", "/a?%1=c"}) EXPECT_FALSE(AdminQuery::parse(bad)) << bad;
  EXPECT_TRUE(AdminQuery::parse(""));
  EXPECT_TRUE(AdminQuery::parse("/a?"));
}

TEST(AdminWindow, IsBounded) {
  const auto window = [](const char* target) { return AdminWindow::of(*AdminQuery::parse(target), 100); };
  EXPECT_EQ(window("/x")->limit, 100u);
  EXPECT_EQ(window("/x")->offset, 0u);
  EXPECT_EQ(window("/x?limit=7&offset=9")->limit, 7u);
  EXPECT_EQ(window("/x?limit=7&offset=9")->offset, 9u);
  EXPECT_EQ(window("/x?limit=1000")->limit, 100u);
  for (const char* bad : {"/x?limit=0", "/x?limit=-1", "/x?limit=a", "/x?offset=1x", "/x?offset=99999999999999999999"})
    EXPECT_FALSE(window(bad)) << bad;
}

TEST(AdminWindow, NamesTheNextPart) {
  const auto query = *AdminQuery::parse("/problems?namespace=a%26b&limit=10&offset=10");
  const auto window = *AdminWindow::of(query, 100);
  EXPECT_EQ(window.next(query, 21), "/problems?offset=20&limit=10&namespace=a%26b");
  EXPECT_EQ(window.next(query, 20), "");
  EXPECT_EQ(window.next(query, 0), "");
  EXPECT_EQ((AdminWindow{SIZE_MAX, 10}.next(query, 20)), "");
}

}  // namespace
}  // namespace fairlead

#include "proxy/options_values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead {
namespace {

using std::chrono::milliseconds;

TEST(Duration, IsReadAsGoReadsItOrAsSeconds) {
  const struct {
    std::string_view text;
    std::optional<std::int64_t> milliseconds;
  } cases[] = {
      {"10s", 10'000},
      {"500ms", 500},
      {"5m", 300'000},
      {"1m30s", 90'000},
      {"1h", 3'600'000},
      {"1.5s", 1'500},
      {".5s", 500},
      {"1.s", 1'000},
      {"0", 0},
      {"0s", 0},
      {"60", 60'000},
      {"1us", 1},
      {"1999us", 1},
      {"0.1s", 100},
      {"0.29s", 290},
      {"1000h", 3'600'000'000},
      {"", std::nullopt},
      {"s", std::nullopt},
      {".s", std::nullopt},
      {"1.2.3s", std::nullopt},
      {"-1s", std::nullopt},
      {"+1s", std::nullopt},
      {"1d", std::nullopt},
      {"1 s", std::nullopt},
      {"1s ", std::nullopt},
      {"1m30", std::nullopt},
      {"1e3s", std::nullopt},
      {"1001h", std::nullopt},
      {"99999999999999999999", std::nullopt},
      {"nans", std::nullopt},
  };
  for (const auto& entry : cases) {
    const auto parsed = parse_duration(entry.text);
    ASSERT_EQ(parsed.has_value(), entry.milliseconds.has_value()) << entry.text;
    if (parsed) {
      EXPECT_EQ(parsed->count(), *entry.milliseconds) << entry.text;
    }
  }
}

TEST(Duration, IsShownAsItIsTyped) {
  EXPECT_EQ(duration_text(milliseconds(0)), "0s");
  EXPECT_EQ(duration_text(milliseconds(500)), "500ms");
  EXPECT_EQ(duration_text(milliseconds(60'000)), "1m");
  EXPECT_EQ(duration_text(milliseconds(75'000)), "1m15s");
  EXPECT_EQ(duration_text(milliseconds(3'600'001)), "1h1ms");
}

TEST(Size, MayHaveAUnit) {
  EXPECT_EQ(parse_size("512", 1 << 30), 512u);
  EXPECT_EQ(parse_size("32k", 1 << 30), 32'768u);
  EXPECT_EQ(parse_size("32K", 1 << 30), 32'768u);
  EXPECT_EQ(parse_size("1m", 1 << 30), 1'048'576u);
  EXPECT_EQ(parse_size("1g", 1 << 30), 1'073'741'824u);
  for (const char* bad : {"", "k", "32kb", "-1", "1.5k", " 1", "2g", "1073741825", "99999999999999999999k"}) {
    EXPECT_EQ(parse_size(bad, 1 << 30), std::nullopt) << bad;
  }
  EXPECT_EQ(size_text(32'768), "32k");
  EXPECT_EQ(size_text(1'000), "1000");
  EXPECT_EQ(size_text(0), "0");
}

TEST(Bool, IsWhatGoTakes) {
  for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"}) EXPECT_EQ(parse_bool(yes), true) << yes;
  for (const char* no : {"0", "f", "F", "false", "FALSE", "False"}) EXPECT_EQ(parse_bool(no), false) << no;
  for (const char* bad : {"yes", "on", "tRUE", "", "2"}) EXPECT_EQ(parse_bool(bad), std::nullopt) << bad;
}

TEST(Names, FollowKubernetes) {
  EXPECT_TRUE(is_dns_label("a-1"));
  for (const std::string& bad : {std::string(""), std::string("-a"), std::string("a-"), std::string("A"),
                                 std::string("a.b"), std::string(64, 'a')}) {
    EXPECT_FALSE(is_dns_label(bad)) << bad;
  }
  EXPECT_TRUE(is_dns_subdomain("nginx.ingress.kubernetes.io"));
  EXPECT_FALSE(is_dns_subdomain("a..b"));
  EXPECT_FALSE(is_dns_subdomain("a."));
  EXPECT_TRUE(is_object_name("ns/my.secret"));
  for (const char* bad : {"ns", "/a", "ns/", "a.b/c", "a/b/c"}) EXPECT_FALSE(is_object_name(bad)) << bad;
}

}  // namespace
}  // namespace fairlead

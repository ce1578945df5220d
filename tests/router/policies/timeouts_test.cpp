#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/router/policies/probe.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;

TEST(Timeouts, AreReadInSeconds) {
  const PathSettings settings = parse({{"proxy-connect-timeout", "1"},
                                       {"proxy-send-timeout", "120"},
                                       {"proxy-read-timeout", "3600"},
                                       {"proxy-next-upstream-timeout", "7"},
                                       {"proxy-next-upstream-tries", "2"}})
                                    .settings;
  EXPECT_EQ(settings.connect_timeout, 1s);
  EXPECT_EQ(settings.send_timeout, 120s);
  EXPECT_EQ(settings.read_timeout, 3600s);
  EXPECT_EQ(settings.next_upstream_timeout, 7s);
  EXPECT_EQ(settings.next_upstream_tries, 2u);
}

TEST(Timeouts, StayAtTheirDefaultsWhenUnreadable) {
  for (const std::string bad : {"60s", "-1", "0", "1.5", "31536001"}) {
    const auto result = parse({{"proxy-read-timeout", bad}});
    EXPECT_EQ(result.settings, PathSettings{}) << bad;
    EXPECT_THAT(findings(result), testing::ElementsAre(testing::HasSubstr("warning proxy-read-timeout"))) << bad;
  }
}

TEST(Timeouts, MayLastAYear) {
  EXPECT_EQ(parse({{"proxy-read-timeout", "31536000"}}).settings.read_timeout, 31536000s);
}

TEST(Timeouts, TakeZeroTriesForNoLimit) {
  const auto result = parse({{"proxy-next-upstream-tries", "0"}, {"proxy-next-upstream-timeout", "0"}});
  EXPECT_EQ(result.settings.next_upstream_tries, std::numeric_limits<std::uint32_t>::max());
  EXPECT_EQ(result.settings.next_upstream_timeout, 0ms);
  EXPECT_TRUE(result.findings.empty());
}

}  // namespace
}  // namespace fairlead

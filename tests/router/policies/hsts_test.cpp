#include <gtest/gtest.h>

#include "tests/router/policies/probe.hpp"
#include "tests/support/allocation_count.hpp"

namespace fairlead {
namespace {

constexpr std::string_view header = "Strict-Transport-Security";

TEST(Hsts, IsSentOverHttpsByDefault) {
  Probe probe;
  probe.https = true;
  probe.answer(*policy_in(parse({}), "hsts"));
  EXPECT_EQ(probe.response(header), "max-age=31536000; includeSubDomains");
}

TEST(Hsts, IsNotSentOverHttp) {
  Probe probe;
  probe.answer(*policy_in(parse({}), "hsts"));
  EXPECT_EQ(probe.response(header), std::nullopt);
}

TEST(Hsts, FollowsTheSettings) {
  const struct {
    bool on;
    std::uint64_t age;
    bool subdomains;
    std::optional<std::string> sent;
  } cases[] = {
      {false, 31'536'000, true, std::nullopt},
      {true, 0, false, "max-age=0"},
      {true, 60, true, "max-age=60; includeSubDomains"},
      {true, 18446744073709551615u, false, "max-age=18446744073709551615"},
  };
  for (const auto& entry : cases) {
    Probe probe;
    probe.https = true;
    probe.settings.hsts = entry.on;
    probe.settings.hsts_max_age_seconds = entry.age;
    probe.settings.hsts_include_subdomains = entry.subdomains;
    probe.answer(*policy_in(parse({}), "hsts"));
    EXPECT_EQ(probe.response(header), entry.sent);
  }
}

TEST(Hsts, ReplacesTheHeaderOfTheUpstream) {
  Probe probe;
  probe.https = true;
  probe.answer(*policy_in(parse({}), "hsts"));
  EXPECT_TRUE(probe.response_edits.drops({header, "max-age=1", field_name(header)}));
}

TEST(Hsts, DoesNotTouchTheHeap) {
  const auto policy = policy_in(parse({}), "hsts");
  Probe probe;
  probe.https = true;
  probe.settings.hsts_max_age_seconds = 60;
  const std::size_t before = allocation_count();
  probe.answer(*policy);
  EXPECT_EQ(allocation_count(), before);
  EXPECT_FALSE(probe.response_edits.empty());
}

}  // namespace
}  // namespace fairlead

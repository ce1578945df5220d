#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/router/policies/probe.hpp"
#include "tests/support/allocation_count.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

bool lets_in(const Policy& policy, std::string_view client) {
  Probe probe;
  probe.client = IpAddress::parse(client).value();
  const Outcome outcome = probe.ask(policy);
  EXPECT_EQ(outcome ? outcome->status : 403, 403);
  return !outcome;
}

TEST(Allowlist, LetsOnlyListedNetworksIn) {
  const auto policy = policy_in(parse({{"allowlist-source-range", "10.0.0.0/8, 192.0.2.7,fd00::/8"}}), "allow");
  ASSERT_NE(policy, nullptr);
  EXPECT_TRUE(lets_in(*policy, "10.0.0.0"));
  EXPECT_TRUE(lets_in(*policy, "10.255.255.255"));
  EXPECT_FALSE(lets_in(*policy, "11.0.0.0"));
  EXPECT_TRUE(lets_in(*policy, "192.0.2.7"));
  EXPECT_FALSE(lets_in(*policy, "192.0.2.8"));
  EXPECT_TRUE(lets_in(*policy, "fd12::1"));
  EXPECT_FALSE(lets_in(*policy, "fe80::1"));
}

TEST(Allowlist, OfAllIpv4LetsNoIpv6In) {
  const auto policy = policy_in(parse({{"allowlist-source-range", "0.0.0.0/0"}}), "allow");
  EXPECT_TRUE(lets_in(*policy, "203.0.113.9"));
  EXPECT_FALSE(lets_in(*policy, "2001:db8::1"));
}

TEST(Allowlist, AnswersToItsOldName) {
  const auto policy = policy_in(parse({{"whitelist-source-range", "10.0.0.0/8"}}), "allow");
  ASSERT_NE(policy, nullptr);
  EXPECT_FALSE(lets_in(*policy, "11.0.0.0"));
}

TEST(Allowlist, PrefersItsNewName) {
  const auto result = parse({{"allowlist-source-range", "10.0.0.0/8"}, {"whitelist-source-range", "11.0.0.0/8"}});
  EXPECT_FALSE(lets_in(*policy_in(result, "allow"), "11.0.0.0"));
  EXPECT_THAT(findings(result), ElementsAre(HasSubstr("warning whitelist-source-range: has no effect")));
}

TEST(Allowlist, DeniesEverybodyWhenItCannotBeRead) {
  for (const std::string bad : {"10.0.0.0/33", "everybody", "10.0.0.0/8,office", ","}) {
    const auto result = parse({{"allowlist-source-range", bad}});
    EXPECT_TRUE(result.denied) << bad;
    EXPECT_THAT(findings(result), ElementsAre(HasSubstr("error allowlist-source-range"))) << bad;
  }
}

TEST(Allowlist, DescribesTheSameNetworksTheSameWay) {
  const auto one = policy_in(parse({{"allowlist-source-range", "10.0.0.0/8,fd00::/8"}}), "allow");
  const auto other = policy_in(parse({{"allowlist-source-range", "fd00::/8, 10.0.0.0/8, 10.0.0.0/8"}}), "allow");
  EXPECT_EQ(one->describe(), other->describe());
}

TEST(Allowlist, DoesNotTouchTheHeap) {
  const auto policy = policy_in(parse({{"allowlist-source-range", "10.0.0.0/8,fd00::/8"}}), "allow");
  Probe probe;
  const std::size_t before = allocation_count();
  const Outcome outcome = probe.ask(*policy);
  EXPECT_EQ(allocation_count(), before);
  EXPECT_TRUE(outcome);
}

}  // namespace
}  // namespace fairlead

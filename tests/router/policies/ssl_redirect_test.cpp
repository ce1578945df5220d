#include <gtest/gtest.h>

#include "tests/router/policies/probe.hpp"
#include "tests/support/allocation_count.hpp"

namespace fairlead {
namespace {

std::optional<std::string> location(Probe& probe, const PolicyParse::Annotations& annotations) {
  const auto policy = policy_in(parse(annotations), "ssl-redirect");
  if (!policy) return std::nullopt;
  const Outcome outcome = probe.ask(*policy);
  if (!outcome) return std::nullopt;
  EXPECT_EQ(outcome->status, 308);
  return std::string(outcome->location);
}

TEST(SslRedirect, SendsAHostWithTlsToHttpsByDefault) {
  Probe probe("/cart?item=1");
  probe.entry.tls = true;
  EXPECT_EQ(location(probe, {}), "https://shop.example.com/cart?item=1");
}

TEST(SslRedirect, LeavesAHostWithoutTlsAlone) {
  Probe probe("/cart");
  EXPECT_EQ(location(probe, {}), std::nullopt);
}

TEST(SslRedirect, LeavesHttpsAlone) {
  Probe probe("/cart");
  probe.entry.tls = true;
  probe.https = true;
  EXPECT_EQ(location(probe, {{"force-ssl-redirect", "true"}}), std::nullopt);
}

TEST(SslRedirect, CanBeSwitchedOff) {
  Probe probe("/cart");
  probe.entry.tls = true;
  EXPECT_EQ(location(probe, {{"ssl-redirect", "false"}}), std::nullopt);
}

TEST(SslRedirect, IsForcedEvenWithoutTlsAndEvenWhenSwitchedOff) {
  Probe probe("/cart");
  EXPECT_EQ(location(probe, {{"force-ssl-redirect", "true"}}), "https://shop.example.com/cart");
  EXPECT_EQ(location(probe, {{"force-ssl-redirect", "true"}, {"ssl-redirect", "false"}}),
            "https://shop.example.com/cart");
}

TEST(SslRedirect, DropsTheFinalSlashUnlessToldToKeepIt) {
  const struct {
    std::string_view sent;
    std::string dropped;
    std::string kept;
  } cases[] = {
      {"/", "https://shop.example.com", "https://shop.example.com/"},
      {"/a/", "https://shop.example.com/a", "https://shop.example.com/a/"},
      {"/a//", "https://shop.example.com/a/", "https://shop.example.com/a//"},
      {"/a?next=/b/", "https://shop.example.com/a?next=/b", "https://shop.example.com/a?next=/b/"},
      {"/a%2F", "https://shop.example.com/a%2F", "https://shop.example.com/a%2F"},
  };
  for (const auto& entry : cases) {
    Probe probe(entry.sent);
    probe.entry.tls = true;
    EXPECT_EQ(location(probe, {}), entry.dropped);
    EXPECT_EQ(location(probe, {{"preserve-trailing-slash", "true"}}), entry.kept);
  }
}

TEST(SslRedirect, KeepsTheTargetAsItWasSent) {
  Probe probe("/a/../b%41");
  probe.target.path = "/bA";
  probe.entry.tls = true;
  EXPECT_EQ(location(probe, {}), "https://shop.example.com/a/../b%41");
}

TEST(SslRedirect, TakesThePathOutOfAnAbsoluteForm) {
  Probe probe("http://other.example.com:80/a?b");
  probe.entry.tls = true;
  EXPECT_EQ(location(probe, {}), "https://shop.example.com/a?b");
  Probe bare("http://other.example.com");
  bare.entry.tls = true;
  EXPECT_EQ(location(bare, {}), "https://shop.example.com");
}

TEST(SslRedirect, NeverLeadsToAnotherHost) {
  Probe probe("//evil.example.com/a");
  probe.entry.tls = true;
  EXPECT_EQ(location(probe, {}), "https://shop.example.com//evil.example.com/a");
}

TEST(SslRedirect, UsesTheCodeOfTheSettings) {
  Probe probe("/a");
  probe.entry.tls = true;
  probe.settings.redirect_code = 301;
  EXPECT_EQ(probe.ask(*policy_in(parse({}), "ssl-redirect"))->status, 301);
}

TEST(SslRedirect, ExemptsIngressPathsOfCertificateIssuers) {
  Probe probe("/.well-known/acme-challenge/token");
  probe.path.path = "/.well-known/acme-challenge/token";
  probe.entry.tls = true;
  EXPECT_EQ(location(probe, {{"force-ssl-redirect", "true"}}), std::nullopt);
}

TEST(SslRedirect, GoesByTheIngressPathForThatExemption) {
  Probe probe("/.well-known/acme-challenge/token");  // on an Ingress path "/"
  probe.entry.tls = true;
  EXPECT_NE(location(probe, {}), std::nullopt);
}

TEST(SslRedirect, RefusesAClientThatNamesNoHost) {
  Probe probe("/a");
  probe.host = "";
  const Outcome outcome = probe.ask(*policy_in(parse({{"force-ssl-redirect", "true"}}), "ssl-redirect"));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status, 400);
}

TEST(SslRedirect, DescribesWhatItDependsOn) {
  EXPECT_NE(policy_in(parse({{"force-ssl-redirect", "true"}}), "ssl-redirect force"), nullptr);
  EXPECT_NE(policy_in(parse({{"preserve-trailing-slash", "true"}}), "ssl-redirect keep-slash"), nullptr);
}

TEST(SslRedirect, DoesNotTouchTheHeap) {
  const auto policy = policy_in(parse({}), "ssl-redirect");
  Probe probe("/a?b");
  probe.entry.tls = true;
  const std::size_t before = allocation_count();
  const Outcome outcome = probe.ask(*policy);
  EXPECT_EQ(allocation_count(), before);
  EXPECT_TRUE(outcome);
}

}  // namespace
}  // namespace fairlead

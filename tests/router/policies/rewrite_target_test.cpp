#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/router/policies/probe.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Rewritten {
  int status = 0;  // of a reply, or 0
  std::string forward;
};

Rewritten rewrite(std::string_view ingress_path, const std::string& target, Probe& probe) {
  const auto unbound = policy_in(parse({{"rewrite-target", target}}), "rewrite");
  if (!unbound) return {-1, {}};
  const auto bound = unbound->bind(ingress_path);
  const Outcome outcome = probe.ask(bound ? *bound : *unbound);
  return {outcome ? outcome->status : 0, std::string(probe.forward)};
}

std::string forwarded(std::string_view ingress_path, const std::string& target, std::string_view sent) {
  Probe probe(sent);
  const Rewritten result = rewrite(ingress_path, target, probe);
  return result.status == 0 ? result.forward : std::to_string(result.status);
}

TEST(RewriteTarget, FillsInGroupsOfTheIngressPath) {
  const struct {
    std::string_view path;
    std::string target;
    std::string_view sent;
    std::string forwarded;
  } cases[] = {
      {"/something(/|$)(.*)", "/$2", "/something/new", "/new"},
      {"/something(/|$)(.*)", "/$2", "/something", "/"},
      {"/something(/|$)(.*)", "/$2", "/something/new?a=b&c", "/new?a=b&c"},
      {"/something(/|$)(.*)", "/$2", "/something/new?", "/new?"},
      {"/a/(.*)", "/b", "/a/c", "/b"},  // the target is the whole path
      {"/a/([^/]*)/(.*)", "/$2/$1", "/a/x/y/z", "/y/z/x"},
      {"/a/(.*)", "/$1$1", "/a/b", "/bb"},
      {"/a/(.*)", "/$3x", "/a/b", "/x"},        // a group that is not there is empty
      {"/a(x)?/(.*)", "/$1/$2", "/a/b", "/b"},  // nor is one that took no part
      {"/(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)", "/$9$1$10", "/abcdefghij", "/iaa0"},
      {"/a/(.*)", "$1", "/a/b", "/b"},       // always starts with '/'
      {"/API/(.*)", "/$1", "/api/B", "/B"},  // case is ignored, and kept
      {"/b/(.*)", "/$1", "/a/b/c", "/c"},    // found anywhere in the path
      {"/x/(.*)", "/$1", "/a/b", "/a/b"},    // not found: nothing happens
      {"/a(.*)", "/$1", "/a//evil.example.com/x", "/evil.example.com/x"},
      {"/a(.*)", "/b/$1", "/a/x", "/b//x"},
  };
  for (const auto& entry : cases)
    EXPECT_EQ(forwarded(entry.path, entry.target, entry.sent), entry.forwarded) << entry.target;
}

TEST(RewriteTarget, EscapesTheResultAnew) {
  Probe probe("/a/caf%C3%A9%20%25%3F?q=%20");
  probe.target.path = "/a/caf\xc3\xa9 %?";
  EXPECT_EQ(rewrite("/a/(.*)", "/$1", probe).forward, "/caf%C3%A9%20%25%3F?q=%20");
}

TEST(RewriteTarget, KeepsWhatFollowsALineFeed) {
  Probe probe("/a/b%0Ac");
  probe.target.path = "/a/b\nc";
  EXPECT_EQ(rewrite("/a/(.*)", "/$1", probe).forward, "/b%0Ac");
}

TEST(RewriteTarget, RefusesDotSegmentsThatItsGroupsBringAbout) {
  for (const std::string_view sent : {"/a../b", "/a./b", "/a..", "/a."}) {
    EXPECT_EQ(forwarded("/a(.*)", "/$1", sent), "400") << sent;
  }
  EXPECT_EQ(forwarded("/a(.*)", "/x$1", "/a../b"), "/x../b");
}

TEST(RewriteTarget, DoesNothingOnAPathThatEqualsIt) {
  const auto result = parse({{"rewrite-target", "/app"}});
  EXPECT_EQ(policy_in(result, "rewrite")->bind("/app"), nullptr);
  EXPECT_EQ(forwarded("/app", "/app", "/app/x"), "/app/x");
}

TEST(RewriteTarget, TurnsHostsIntoRegexModeUnlessThePathEqualsIt) {
  const auto result = parse({{"rewrite-target", "/app"}});
  EXPECT_FALSE(result.regex);
  EXPECT_EQ(result.regex_unless_path, "/app");
}

TEST(RewriteTarget, IsIgnoredLoudlyWhenItCannotBeUsed) {
  for (const std::string bad : {"/a?b=c", "https://example.com/$1", "/$host", "/$", "/$0", "/a b", "/{x}"}) {
    const auto result = parse({{"rewrite-target", bad}});
    EXPECT_EQ(policy_in(result, "rewrite"), nullptr) << bad;
    EXPECT_EQ(result.regex_unless_path, std::nullopt) << bad;
    EXPECT_THAT(findings(result), ElementsAre(HasSubstr("the path is not rewritten"))) << bad;
  }
}

TEST(RewriteTarget, SendsThePrefixHeaderAlong) {
  const auto result = parse({{"rewrite-target", "/$1"}, {"x-forwarded-prefix", "/shop"}});
  const auto bound = policy_in(result, "rewrite")->bind("/shop/(.*)");
  Probe probe("/shop/a");
  EXPECT_FALSE(probe.ask(*bound));
  EXPECT_EQ(Probe::value(probe.upstream_edits, "X-Forwarded-Prefix"), "/shop");
  EXPECT_EQ(bound->describe(), "rewrite /$1 x-forwarded-prefix /shop");
}

TEST(RewriteTarget, IsNeededByThePrefixHeader) {
  EXPECT_THAT(findings(parse({{"x-forwarded-prefix", "/shop"}})), ElementsAre(HasSubstr("only sent together with")));
}

}  // namespace
}  // namespace fairlead

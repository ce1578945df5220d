#include "router/base/label_selector.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace fairlead {
namespace {

const LabelSelector::Labels shop = {{"team", "shop"}, {"tier", "web"}, {"example.com/legacy", ""}};

bool selects(std::string_view text, const LabelSelector::Labels& labels = shop) {
  const auto selector = LabelSelector::parse(text);
  EXPECT_TRUE(selector) << text << ": " << selector.error().message;
  return selector && selector->matches(labels);
}

std::string complaint(std::string_view text) {
  const auto selector = LabelSelector::parse(text);
  return selector ? "accepted" : selector.error().message;
}

TEST(LabelSelector, SelectsByEquality) {
  EXPECT_TRUE(selects("team=shop"));
  EXPECT_TRUE(selects("team == shop"));
  EXPECT_FALSE(selects("team=blog"));
  EXPECT_FALSE(selects("other=shop"));
  EXPECT_FALSE(selects("team=shop", {}));
}

TEST(LabelSelector, WhatIsDifferentMayAlsoBeAbsent) {
  EXPECT_TRUE(selects("team!=blog"));
  EXPECT_TRUE(selects("other!=blog"));
  EXPECT_FALSE(selects("team!=shop"));
  EXPECT_TRUE(selects("other notin (a,b)"));
  EXPECT_FALSE(selects("team notin (blog,shop)"));
}

TEST(LabelSelector, SelectsBySetsAndByPresence) {
  EXPECT_TRUE(selects("team in (blog, shop)"));
  EXPECT_FALSE(selects("team in (blog)"));
  EXPECT_TRUE(selects("tier"));
  EXPECT_FALSE(selects("!tier"));
  EXPECT_TRUE(selects("!other"));
  EXPECT_TRUE(selects("example.com/legacy"));
  EXPECT_TRUE(selects("example.com/legacy="));
}

TEST(LabelSelector, EveryRequirementMustHold) {
  EXPECT_TRUE(selects("team=shop,tier in (web,api),!other"));
  EXPECT_FALSE(selects("team=shop,tier=api"));
  EXPECT_TRUE(selects(""));
  EXPECT_TRUE(selects("  "));
}

TEST(LabelSelector, SaysWhatIsWrong) {
  EXPECT_EQ(complaint("team=shop,"), "ends with a ','");
  EXPECT_EQ(complaint("=shop"), "has \"\", which is no key of a label");
  EXPECT_EQ(complaint("-team=shop"), "has \"-team\", which is no key of a label");
  EXPECT_EQ(complaint("team=shop blog"), "has \"blog\" where a ',' is expected");
  EXPECT_EQ(complaint("team=_"), "has \"_\", which is no value of a label");
  EXPECT_EQ(complaint("team in shop"), "has no '(' after in or notin");
  EXPECT_EQ(complaint("team in (shop"), "has a '(' without a ')'");
  EXPECT_EQ(complaint("team within (shop)"),
            "has \"within\" after the key \"team\": only =, ==, !=, in and notin can stand there");
  EXPECT_EQ(complaint("team > 1"), "has \"> 1\" after the key \"team\": only =, ==, !=, in and notin can stand there");
  EXPECT_EQ(complaint(std::string(64, 'a')), "has \"" + std::string(64, 'a') + "\", which is no key of a label");
}

}  // namespace
}  // namespace fairlead

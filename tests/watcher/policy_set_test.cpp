#include "watcher/policy_set.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairlead {
namespace {

TEST(PolicySets, EqualAnnotationsShareOne) {
  PolicySets sets((Settings()));
  const auto none = sets.of({});
  const auto one = sets.of({{"backend-protocol", "HTTPS"}});
  EXPECT_EQ(sets.of({}), none);
  EXPECT_EQ(sets.of({{"backend-protocol", "HTTPS"}}), one);
  EXPECT_NE(one, none);
  EXPECT_EQ(one->policies.protocol, UpstreamProtocol::https);
  EXPECT_EQ(one->annotations, (PolicyParse::Annotations{{"backend-protocol", "HTTPS"}}));
  EXPECT_EQ(sets.size(), 2u);
}

TEST(PolicySets, WhatNobodyUsesIsForgotten) {
  PolicySets sets((Settings()));
  const auto kept = sets.of({{"rewrite-target", "/kept"}});
  for (int i = 0; i < 10'000; ++i) sets.of({{"rewrite-target", "/" + std::to_string(i)}});
  EXPECT_LE(sets.size(), 17u);
  EXPECT_EQ(sets.of({{"rewrite-target", "/kept"}}), kept);
}

TEST(PolicySets, ManyThatAreUsedAreAllFound) {
  PolicySets sets((Settings()));
  std::vector<std::shared_ptr<const PolicySet>> kept;
  for (int i = 0; i < 1'000; ++i) kept.push_back(sets.of({{"rewrite-target", "/" + std::to_string(i)}}));
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(sets.of({{"rewrite-target", "/" + std::to_string(i)}}), kept[i]);
}

}  // namespace
}  // namespace fairlead

#include "router/base/sharded_map.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

using Map = ShardedMap<int>;

Map edited(const Map& base, const std::vector<std::pair<std::string, int>>& values) {
  Map::Editor editor(base);
  for (const auto& [key, value] : values) editor.set(key, value);
  return std::move(editor).finish();
}

TEST(ShardedMap, FindsWhatWasSetAndNothingElse) {
  const Map map = edited({}, {{"a", 1}, {"b", 2}, {"", 3}});
  ASSERT_NE(map.find("a"), nullptr);
  EXPECT_EQ(*map.find("a"), 1);
  EXPECT_EQ(*map.find(""), 3);
  EXPECT_EQ(map.find("c"), nullptr);
}

TEST(ShardedMap, AnEditLeavesTheOriginalAsItWas) {
  const Map first = edited({}, {{"a", 1}, {"b", 2}});
  Map::Editor editor(first);
  editor.set("a", 10);
  editor.erase("b");
  editor.set("c", 3);
  const Map second = std::move(editor).finish();
  EXPECT_EQ(*first.find("a"), 1);
  EXPECT_EQ(*first.find("b"), 2);
  EXPECT_EQ(first.find("c"), nullptr);
  EXPECT_EQ(*second.find("a"), 10);
  EXPECT_EQ(second.find("b"), nullptr);
  EXPECT_EQ(*second.find("c"), 3);
}

TEST(ShardedMap, AnEditSharesWhatItDoesNotTouch) {
  std::vector<std::pair<std::string, int>> many;
  for (int i = 0; i < 5000; ++i) many.emplace_back("host-" + std::to_string(i), i);
  const Map first = edited({}, many);
  const Map second = edited(first, {{"host-7", -7}});
  int shared = 0;
  first.for_each([&](const std::string& key, const int& value) { shared += second.find(key) == &value; });
  EXPECT_GT(shared, 4950);
  EXPECT_LT(shared, 5000);
  EXPECT_EQ(*second.find("host-7"), -7);
}

TEST(ShardedMap, ErasingWhatIsNotThereChangesNothing) {
  const Map first = edited({}, {{"a", 1}});
  Map::Editor editor(first);
  editor.erase("b");
  const Map second = std::move(editor).finish();
  EXPECT_EQ(first.find("a"), second.find("a"));
}

}  // namespace
}  // namespace fairlead

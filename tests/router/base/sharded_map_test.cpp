#include "router/base/sharded_map.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

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

// Each value holds its name, and is found by it.
TEST(ShardedMap, AKeyMayBeAViewOfItsValue) {
  using Named = ShardedMap<std::shared_ptr<const std::string>, std::string_view>;
  const auto put = [](Named::Editor& editor, const std::string& name) {
    const auto value = std::make_shared<const std::string>(name);
    editor.set(*value, value);
  };
  Named::Editor editor(Named{});
  put(editor, "a");
  const Named first = std::move(editor).finish();
  Named::Editor next(first);
  put(next, "a");  // another value: the key is to be a view of that one
  const Named second = std::move(next).finish();
  ASSERT_NE(second.find("a"), nullptr);
  second.for_each([](std::string_view key, const auto& value) { EXPECT_EQ(key.data(), value->data()); });
}

TEST(ShardedMap, AnUpdateKeepsTheKey) {
  const std::string name = "a";
  ShardedMap<int, std::string_view>::Editor editor({});
  editor.set(name, 1);
  const std::string same_name = "a";
  editor.update(same_name, 2);
  const auto map = std::move(editor).finish();
  EXPECT_EQ(*map.find("a"), 2);
  map.for_each([&](std::string_view key, int) { EXPECT_EQ(key.data(), name.data()); });
}

TEST(ShardedMap, StaysTheSameAsAnOrdinaryMapThroughRandomEdits) {
  std::mt19937 random(3);
  std::map<std::string, int> wanted;
  Map map;
  for (int round = 0; round < 200; ++round) {
    Map::Editor editor(map);
    for (unsigned change = 0; change < 1 + random() % 100; ++change) {
      const std::string key = "k" + std::to_string(random() % 4000);
      if (random() % 3 == 0) {
        editor.erase(key);
        wanted.erase(key);
      } else {
        editor.set(key, round);
        wanted[key] = round;
      }
    }
    map = std::move(editor).finish();
  }
  std::map<std::string, int> found;
  map.for_each([&](const std::string& key, int value) { found.emplace(key, value); });
  EXPECT_EQ(found, wanted);
  for (const auto& [key, value] : wanted) ASSERT_TRUE(map.find(key) && *map.find(key) == value) << key;
  EXPECT_EQ(map.find("k4000"), nullptr);
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

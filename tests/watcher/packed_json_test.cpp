#include "watcher/packed_json.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "tests/watcher/cluster.hpp"

namespace fairlead {
namespace {

json back(const json& value) {
  return unpack_json(pack_json(value));
}

TEST(PackedJson, EveryKindOfValueComesBackAsItWas) {
  const auto most = std::numeric_limits<std::uint64_t>::max();
  const auto least = std::numeric_limits<std::int64_t>::min();
  for (const json& value : {json(), json(true), json(false), json(0), json(127), json(128), json(most), json(-1),
                            json(-129), json(least), json(1.5), json(-0.0), json(""), json("/"), json("metadata"),
                            json("metadat"), json("metadata "), json::array(), json::object()}) {
    EXPECT_EQ(back(value), value) << value;
    EXPECT_EQ(back(value).type() == json::value_t::number_float, value.is_number_float()) << value;
    EXPECT_EQ(back(json::array({value, value})), json::array({value, value})) << value;
  }
}

TEST(PackedJson, SizesAroundTheirLimitsComeBack) {
  for (std::size_t size = 0; size < 300; ++size) {
    const json text = std::string(size, 'x');
    EXPECT_EQ(back(text), text) << size;
    json list = json::array();
    json object = json::object();
    for (std::size_t i = 0; i < size; ++i) {
      list.push_back(i);
      object["key" + std::to_string(i)] = "value" + std::to_string(i % 70);
    }
    EXPECT_EQ(back(list), list) << size;
    EXPECT_EQ(back(object), object) << size;
  }
}

TEST(PackedJson, TextsThatAreNoUtf8OrHoldZerosComeBack) {
  const json value = {std::string("\0a\0", 3), "\xff\xfe", std::string(100, '\0')};
  EXPECT_EQ(back(value), value);
}

TEST(PackedJson, AnIngressTakesLessThanHalfOfMessagePack) {
  Rules rules{{"shop.example.com", {}}};
  for (int i = 0; i < 10; ++i) rules[0].second.push_back("Prefix /path-" + std::to_string(i) + " shop:80");
  const json object = ingress("shop/web", rules, {{"ssl-redirect", "false"}});
  const std::string packed = pack_json(object);
  EXPECT_EQ(unpack_json(packed), object);
  EXPECT_LT(packed.size() * 2, json::to_msgpack(object).size());
}

// Only the values of an object are packed when the last one as deep has the same keys.
TEST(PackedJson, ObjectsWithTheSameKeysComeBack) {
  const json one = {{"a", {{"x", 1}, {"y", {{"z", "t"}}}}}, {"b", 2}};
  json other = one;
  other["a"]["y"]["more"] = json::object();
  const json values = {one, one, json::object(), one, other, {{"b", 2}}, other, other, {one}, one["a"], one};
  EXPECT_EQ(back(values), values);
  const json deep = {{"a", one}, {"b", {{"a", one}, {"b", one}}}};
  EXPECT_EQ(back(deep), deep);
  json many = json::array();
  for (int i = 0; i < 100; ++i) many.push_back(one);
  EXPECT_LT(pack_json(many).size(), 100 * 11U) << "a, x, y, z and b are not told again";
}

// Texts that come again after others, nearer and farther than is remembered; and nesting.
TEST(PackedJson, RandomValuesComeBackAsTheyWere) {
  std::minstd_rand random(3);
  const auto below = [&](std::uint32_t end) { return static_cast<std::uint32_t>(random() % end); };
  const auto text = [&] { return std::string(1 + below(3), 'a') + std::to_string(below(90)); };
  const auto make = [&](const auto& self, int depth) -> json {
    switch (below(depth > 0 ? 6 : 4)) {
      case 0:
        return text();
      case 1:
        return static_cast<std::int64_t>(random()) - 1'000'000'000;
      case 2:
        return below(2) == 0;
      case 3:
        return below(2) ? json("name") : json(nullptr);
      case 4: {
        json list = json::array();
        for (std::uint32_t i = below(20); i > 0; --i) list.push_back(self(self, depth - 1));
        return list;
      }
      default: {
        json object = json::object();
        for (std::uint32_t i = below(20); i > 0; --i) object[text()] = self(self, depth - 1);
        return object;
      }
    }
  };
  for (int i = 0; i < 3'000; ++i) {
    const json value = make(make, 4);
    ASSERT_EQ(back(value), value);
  }
}

}  // namespace
}  // namespace fairlead

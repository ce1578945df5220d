#include "watcher/json_lines.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairlead {
namespace {

std::vector<std::string> drain(JsonLines& lines) {
  std::vector<std::string> out;
  while (const auto line = lines.next()) out.emplace_back(*line);
  return out;
}

TEST(JsonLines, GivesEachLineOfOnePiece) {
  JsonLines lines(100);
  lines.append("{\"a\":1}\n{\"b\":2}\n");
  EXPECT_EQ(drain(lines), (std::vector<std::string>{"{\"a\":1}", "{\"b\":2}"}));
}

TEST(JsonLines, JoinsALineThatDripsInByteByByte) {
  JsonLines lines(100);
  std::vector<std::string> out;
  for (const char c : std::string("{\"a\":1}\n{\"b\"")) {
    lines.append(std::string_view(&c, 1));
    for (std::string& line : drain(lines)) out.push_back(std::move(line));
  }
  EXPECT_EQ(out, (std::vector<std::string>{"{\"a\":1}"}));
  lines.append(":2}\n");
  EXPECT_EQ(drain(lines), (std::vector<std::string>{"{\"b\":2}"}));
}

TEST(JsonLines, SkipsEmptyLinesAndCarriageReturns) {
  JsonLines lines(100);
  lines.append("\n\r\n1\r\n\n2\n");
  EXPECT_EQ(drain(lines), (std::vector<std::string>{"1", "2"}));
}

TEST(JsonLines, TakesALineOfExactlyTheLimitAndNotOneByteMore) {
  JsonLines lines(4);
  lines.append("1234\n");
  EXPECT_EQ(drain(lines), (std::vector<std::string>{"1234"}));
  EXPECT_FALSE(lines.too_long());
  lines.append("12345\n");
  EXPECT_TRUE(drain(lines).empty());
  EXPECT_TRUE(lines.too_long());
}

TEST(JsonLines, NoticesALineThatIsTooLongBeforeItEnds) {
  JsonLines lines(4);
  lines.append("123");
  EXPECT_TRUE(drain(lines).empty());
  EXPECT_FALSE(lines.too_long());
  lines.append("45");
  EXPECT_TRUE(drain(lines).empty());
  EXPECT_TRUE(lines.too_long());
  lines.append("\n1\n");
  EXPECT_TRUE(drain(lines).empty()) << "nothing may come out after a line that was lost";
  lines.clear();
  lines.append("1\n");
  EXPECT_EQ(drain(lines), (std::vector<std::string>{"1"}));
}

TEST(ParseApiJson, LeavesOutManagedFieldsAndTheLastAppliedAnnotation) {
  const auto object = parse_api_json(R"({"items":[{"metadata":{"name":"a","managedFields":[{"f":{}}],
    "annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}","x":"y"}},"spec":{"p":1}}]})");
  ASSERT_TRUE(object);
  EXPECT_EQ(*object,
            nlohmann::json::parse(R"({"items":[{"metadata":{"name":"a","annotations":{"x":"y"}},"spec":{"p":1}}]})"));
}

TEST(ParseApiJson, KeepsASecretsKeyThatIsCalledManagedFields) {
  const auto object = parse_api_json(R"({"metadata":{"name":"a"},"data":{"managedFields":"eA==","b":"eQ=="}})");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->at("data").size(), 2U);
}

TEST(ParseApiJson, RefusesWhatIsNotJson) {
  for (const char* text : {"", "{", "{\"a\":}", "nonsense", "{} {}", "\"\xff\""}) {
    EXPECT_FALSE(parse_api_json(text)) << text;
  }
}

TEST(ParseApiJson, TakesTheDeepestAllowedNestingAndRefusesOneLevelMore) {
  const auto nested = [](int levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  EXPECT_TRUE(parse_api_json(nested(max_json_depth)));
  const auto refused = parse_api_json(nested(max_json_depth + 1));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("levels"), std::string::npos);
  EXPECT_FALSE(parse_api_json(nested(1'000'000)));
}

}  // namespace
}  // namespace fairlead

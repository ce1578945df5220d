#include "watcher/yaml_json.hpp"

#include <gtest/gtest.h>

#include <string>

#include "watcher/json_lines.hpp"

namespace fairlead {
namespace {

using nlohmann::json;

// The only object in a manifest.
json only(const std::string& text) {
  const auto objects = parse_manifest(text);
  EXPECT_TRUE(objects) << text << ": " << (objects ? "" : objects.error().message);
  if (!objects) return nullptr;
  EXPECT_EQ(objects->size(), 1U) << text;
  return objects->size() == 1 ? objects->front() : json();
}

std::string refusal(const std::string& text) {
  const auto objects = parse_manifest(text);
  return objects ? "accepted: " + json(*objects).dump() : objects.error().message;
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST(YamlJson, ReadsScalarsAsKubectlDoes) {
  const std::vector<std::pair<std::string, json>> cases = {
      {"text", "text"},
      {"'80'", "80"},
      {"\"true\"", "true"},
      {"80", 80},
      {"-7", -7},
      {"+7", 7},
      {"0x1F", 31},
      {"0b101", 5},
      {"0o17", 15},
      {"010", 8},
      {"08", 8},
      {"1_000", 1000},
      {"1.5", 1.5},
      {".5", 0.5},
      {"1e3", 1000},
      {"80.0", 80},
      {"true", true},
      {"True", true},
      {"yes", true},
      {"on", true},
      {"y", true},
      {"no", false},
      {"OFF", false},
      {"N", false},
      {"null", nullptr},
      {"~", nullptr},
      {"", nullptr},
      {"''", ""},
      {"yEs", "yEs"},
      {"1.2.3", "1.2.3"},
      {"10.0.0.1", "10.0.0.1"},
      {"12:30", "12:30"},
      {"10m", "10m"},
      {"-", "-x"},
      {"2024-01-02", "2024-01-02"},
      {"0x", "0x"},
      {"18446744073709551615", 18446744073709551615ULL},
      {"-9223372036854775808", INT64_MIN},
      {"!!str 80", "80"},
      {"!!int '80'", 80},
      {"!!binary aGk=", "hi"},
      {"!own x", "x"},
      {"1e999", "1e999"},
      {"2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"},
  };
  for (const auto& [text, value] : cases) {
    if (text == "-") continue;
    EXPECT_EQ(only("a: " + text + "\n"), (json{{"a", value}})) << text;
  }
}

TEST(YamlJson, RefusesAValueThatIsNotWhatItsTagSays) {
  EXPECT_EQ(refusal("\na: !!int x\n"), "line 2: a value marked !!int is none");
  EXPECT_EQ(refusal("a: .inf\n"), "line 1: '.inf' cannot be written as JSON");
  EXPECT_EQ(refusal("a: !!binary '###'\n"), "line 1: a value marked !!binary is not base64");
}

TEST(YamlJson, RefusesBinaryThatIsNoText) {
  EXPECT_EQ(refusal("a: 1\nb: !!binary /w==\n"), "line 2: a value marked !!binary is no UTF-8 text");
  EXPECT_EQ(refusal("!!binary gA==: 1\n"), "line 1: a value marked !!binary is no UTF-8 text");
  EXPECT_EQ(only("a: !!binary w7w=\n"), (json{{"a", "\xc3\xbc"}}));
}

TEST(YamlJson, WritesKeysAsText) {
  EXPECT_EQ(only("80: a\n0x10: b\nyes: c\n'on': d\n"), (json{{"80", "a"}, {"16", "b"}, {"true", "c"}, {"on", "d"}}));
  EXPECT_EQ(refusal("a: 1\nnull: 2\n"), "line 2: a key is missing");
  EXPECT_TRUE(refusal("? [a]\n: b\n").starts_with("line 1: a key is a mapping or a sequence"));
}

TEST(YamlJson, ReadsBlockScalarsAndNesting) {
  EXPECT_EQ(only("a:\n- b: |\n    x\n    y\n  c: [1, {d: e}]\n"),
            (json{{"a", {{{"b", "x\ny\n"}, {"c", {1, {{"d", "e"}}}}}}}}));
}

TEST(YamlJson, ReadsSeveralDocumentsAndSkipsEmptyOnes) {
  const auto objects = parse_manifest("# nothing\n---\nkind: A\n---\n---\n# only a comment\n---\nkind: B\n...\n");
  ASSERT_TRUE(objects);
  EXPECT_EQ(*objects, (std::vector<json>{{{"kind", "A"}}, {{"kind", "B"}}}));
  EXPECT_TRUE(parse_manifest("")->empty());
}

TEST(YamlJson, UnfoldsLists) {
  const auto objects = parse_manifest(
      "apiVersion: v1\nkind: List\nitems:\n- kind: A\n- apiVersion: n/v1\n  kind: IngressList\n  items: [{x: 1}]\n");
  ASSERT_TRUE(objects);
  EXPECT_EQ(*objects, (std::vector<json>{{{"kind", "A"}}, {{"apiVersion", "n/v1"}, {"kind", "Ingress"}, {"x", 1}}}));
  EXPECT_EQ(only("kind: List\n"), (json{{"kind", "List"}}));
}

TEST(YamlJson, ReadsJsonWithTabsEscapesAndAByteOrderMark) {
  EXPECT_EQ(only("\xef\xbb\xbf\n{\n\t\"a\":\t\"\\ud83d\\ude00\\/\"\n}\n"), (json{{"a", "\xf0\x9f\x98\x80/"}}));
}

TEST(YamlJson, NamesTheLineOfWhatIsWrong) {
  EXPECT_TRUE(refusal("a: 1\nb: [1, 2\nc: 3\n").starts_with("line 3: ")) << refusal("a: 1\nb: [1, 2\nc: 3\n");
  EXPECT_TRUE(refusal("a: 1\n---\na:\n\tb: 1\n").starts_with("line 4: "));
  EXPECT_TRUE(refusal("{\n \"a\": 1,\n \"b\": ]\n}\n").starts_with("line 3: "));
  EXPECT_TRUE(refusal("a: *nobody\n").starts_with("line 1: "));
  EXPECT_EQ(refusal("a: 1\nb: \xff\n"), "line 2: this is no UTF-8 text");
  EXPECT_EQ(refusal(std::string("a: \0\n", 5)), "line 1: this is no UTF-8 text");
}

TEST(YamlJson, RefusesAQuoteThatIsNeverClosed) {
  for (const char* text : {"a: 'b", "a: 'b\n", "a: 'b\n\n", "a: \"b\n  ", "a: \"b\n\t", "a: 'b\r\n", "- 'it''s\n"}) {
    EXPECT_TRUE(refusal(text).starts_with("line ")) << text;
  }
  EXPECT_EQ(only("a: 'b'\n")["a"], "b");
  EXPECT_EQ(only("a: 'b\n\n  c'\n")["a"], "b\nc");
  EXPECT_EQ(only("a: b\n")["a"], "b");
  EXPECT_EQ(only("a: |+\n  b\n\n")["a"], "b\n\n");
  EXPECT_EQ(only("a: |\n  b\n  ")["a"], "b\n");
  EXPECT_EQ(only("a: >-\n  b\n")["a"], "b");
}

TEST(YamlJson, NeverRepeatsWhatAFileHolds) {
  for (const char* text : {"a: hunter2\nb: 'hunter2\n", "a: *hunter2\n", "hunter2: [\n", "{\"a\": hunter2 hunter2, :}}",
                           "hunter2: 1\nhunter2: 2\n", "a: \"\\hunter2\"\n", "%hunter2 x\n---\na: b: hunter2\n"}) {
    const std::string message = refusal(text);
    EXPECT_TRUE(message.starts_with("line ")) << message;
    EXPECT_EQ(message.find("hunter2"), std::string::npos) << message;
  }
}

TEST(YamlJson, RefusesAKeyThatAppearsTwice) {
  EXPECT_EQ(refusal("a: 1\nb: 2\na: 3\n"), "line 3: a key appears for the second time in the same mapping");
  EXPECT_EQ(refusal("{\"a\": {\"b\": 1},\n\"a\": 2}"), "line 2: a key appears for the second time in the same mapping");
  EXPECT_EQ(only("{\"a\": {\"b\": 1}, \"c\": [{\"b\": 1}, {\"b\": 2}]}")["c"].size(), 2U);
}

TEST(YamlJson, FollowsAliasesAndMergesMappings) {
  EXPECT_EQ(only("a: &x {p: 1, q: 2}\nb: *x\nc: {<<: *x, q: 3}\n"),
            (json{{"a", {{"p", 1}, {"q", 2}}}, {"b", {{"p", 1}, {"q", 2}}}, {"c", {{"p", 1}, {"q", 3}}}}));
  EXPECT_EQ(only("- &x {p: 1}\n- &y {p: 2, r: 3}\n- q: 1\n  <<: [*x, *y]\n")[2], (json{{"p", 1}, {"q", 1}, {"r", 3}}));
  EXPECT_EQ(refusal("a: &x 1\nb: {<<: *x}\n"), "line 2: '<<' merges mappings and nothing else");
  EXPECT_EQ(refusal("a: &x [1, *x]\n"), "line 1: an alias stands inside of what it refers to");
}

TEST(YamlJson, RefusesASmallFileThatMeansALargeOne) {
  std::string laughs = "a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    laughs +=
        "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + repeated(before + " , ", 9) + before + "]\n";
  }
  const std::string message = refusal(laughs);
  EXPECT_NE(message.find("aliases blow the file up"), std::string::npos) << message;
}

TEST(YamlJson, CountsAliasesOfAllDocumentsOfAFile) {
  const std::string large(max_manifest_copied_bytes / 8, 'x');
  const std::string document = "---\na: &x " + large + "\nb: *x\n";
  EXPECT_TRUE(parse_manifest(repeated(document, 3)));
  EXPECT_EQ(refusal(repeated(document, 5)).substr(0, 33), "line 12: aliases blow the file up");
}

TEST(YamlJson, RefusesMoreLevelsThanAllowedAndTakesThatMany) {
  constexpr std::size_t most = max_json_depth;
  EXPECT_TRUE(parse_manifest(repeated("[", most) + repeated("]", most)));
  EXPECT_NE(refusal(repeated("[", most + 1) + repeated("]", most + 1)).find("levels"), std::string::npos);
  EXPECT_NE(refusal(repeated("{\"a\":", most + 1) + "1" + repeated("}", most + 1)).find("levels"), std::string::npos);
  const std::string half = repeated("[", 60) + repeated("]", 60);
  EXPECT_NE(refusal("a: &x " + half + "\nb: " + repeated("[", 60) + "*x" + repeated("]", 60) + "\n").find("levels"),
            std::string::npos);
}

TEST(YamlJson, RefusesMoreBytesAndDocumentsThanAllowed) {
  std::string large = "a: ";
  large.resize(max_manifest_bytes, 'x');
  EXPECT_TRUE(parse_manifest(large));
  large += 'x';
  EXPECT_NE(refusal(large).find("larger than"), std::string::npos);
  EXPECT_TRUE(parse_manifest(repeated("---\na: 1\n", max_manifest_documents)));
  EXPECT_NE(refusal(repeated("---\na: 1\n", max_manifest_documents + 1)).find("documents"), std::string::npos);
}

}  // namespace
}  // namespace fairlead

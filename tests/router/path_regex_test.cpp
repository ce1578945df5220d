#include "router/path_regex.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead {
namespace {

using testing::HasSubstr;

bool found(std::string_view regex, std::string_view text) {
  const auto compiled = compile_path_regex(regex);
  return compiled && re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *compiled);
}

TEST(PathRegex, IgnoresCaseAndIsNotAnchored) {
  EXPECT_TRUE(found("/Foo/[a-c]+$", "/x/fOO/ABC"));
  EXPECT_FALSE(found("^/foo", "/x/foo"));
}

TEST(PathRegex, TakesPathsThatAreNotUtf8) {
  EXPECT_TRUE(found("/a/(.*)z$", "/a/\xff\xfez"));
  EXPECT_TRUE(found("/caf\xc3\xa9", "/caf\xc3\xa9/x"));
}

TEST(PathRegex, HasADotThatMatchesALineFeed) {
  EXPECT_TRUE(found("^/a.b$", "/a\nb"));
}

TEST(PathRegex, HasNoProblemWithUsualPaths) {
  for (const std::string_view path :
       {"/", "/something(/|$)(.*)", "/foo/[A-Z0-9]{3}", "/v(?:1|2)/(?P<rest>.*)", "/a\\.b"}) {
    EXPECT_EQ(regex_problem(path), std::nullopt) << path;
    EXPECT_NE(compile_path_regex(path), nullptr) << path;
  }
}

TEST(PathRegex, SaysWhatIsWrongAndWhatToDo) {
  const struct {
    std::string_view path;
    std::string advice;
  } cases[] = {
      {"/(?!admin).*", "look-ahead and look-behind are not supported"},
      {"/a(?<=b)", "look-ahead and look-behind are not supported"},
      {"/(a)/\\1", "back-references are not supported"},
      {"/(?>a)b", "atomic groups"},
      {"/a++", "possessive"},
      {"/a(b", "correct it"},
      {"/[z-a]", "correct it"},
      {"/*+", "possessive"},
      {"/((a{1000}){1000})", "correct it"},  // would take too much memory
  };
  for (const auto& entry : cases) {
    EXPECT_EQ(compile_path_regex(entry.path), nullptr) << entry.path;
    const auto problem = regex_problem(entry.path);
    ASSERT_TRUE(problem) << entry.path;
    EXPECT_THAT(*problem, HasSubstr(entry.advice)) << entry.path;
  }
}

TEST(PathRegex, CannotBeMadeToTakeExponentialTime) {
  const std::string text = "/" + std::string(5000, 'a') + "!";
  EXPECT_FALSE(found("^/(a+)+$", text));
}

}  // namespace
}  // namespace fairlead

#include "router/policies/policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "router/policies/known_annotations.hpp"
#include "tests/router/policies/probe.hpp"
#include "tests/support/readme.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(PolicyParse, ReadsBooleansAsGoDoes) {
  const Settings settings;
  for (const std::string yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    const PolicyParse::Annotations annotations{{"a", yes}};
    EXPECT_TRUE(PolicyParse(annotations, settings).boolean("a", false)) << yes;
  }
  for (const std::string no : {"0", "f", "F", "FALSE", "false", "False"}) {
    const PolicyParse::Annotations annotations{{"a", no}};
    EXPECT_FALSE(PolicyParse(annotations, settings).boolean("a", true)) << no;
  }
}

TEST(PolicyParse, TakesTheDefaultForABooleanThatGoWouldRefuse) {
  for (const std::string bad : {"yes", "on", "tRUE", " true", "2"}) {
    const auto result = parse({{"ssl-redirect", bad}});
    EXPECT_NE(policy_in(result, "ssl-redirect"), nullptr) << bad;
    EXPECT_THAT(findings(result), ElementsAre(HasSubstr("is not a boolean"))) << bad;
  }
}

TEST(PolicyParse, CountsAnEmptyValueAsMissing) {
  const Settings settings;
  const PolicyParse::Annotations annotations{{"a", ""}};
  PolicyParse parse(annotations, settings);
  EXPECT_FALSE(parse.has("a"));
  EXPECT_TRUE(parse.boolean("a", true));
}

TEST(PolicyParse, ReadsSizesWithUnits) {
  const struct {
    std::string text;
    std::optional<std::uint64_t> size;
  } cases[] = {
      {"0", 0},
      {"1", 1},
      {"512", 512},
      {"8k", 8192},
      {"8K", 8192},
      {"10m", 10485760},
      {"1g", 1073741824},
      {"1G", 1073741824},
      {"k", std::nullopt},
      {"8kb", std::nullopt},
      {"-1", std::nullopt},
      {"1.5m", std::nullopt},
      {"8 k", std::nullopt},
      {"99999999999g", std::nullopt},  // does not fit
      {"99999999999999999999", std::nullopt},
  };
  const Settings settings;
  for (const auto& entry : cases) {
    const PolicyParse::Annotations annotations{{"a", entry.text}};
    EXPECT_EQ(PolicyParse(annotations, settings).size("a"), entry.size) << entry.text;
  }
}

TEST(PolicyParse, ReadsIntegersWithinTheirBoundsOnly) {
  const Settings settings;
  const auto read = [&](const std::string& text) {
    const PolicyParse::Annotations annotations{{"a", text}};
    return PolicyParse(annotations, settings).integer("a", 1, 10);
  };
  EXPECT_EQ(read("1"), 1);
  EXPECT_EQ(read("10"), 10);
  for (const std::string bad : {"0", "11", "5s", "1e1", "+5", "99999999999999999999"})
    EXPECT_EQ(read(bad), std::nullopt) << bad;
}

TEST(Policies, OfAnIngressWithoutAnnotationsAreTheDefaults) {
  const auto result = parse({});
  ASSERT_EQ(result.policies.size(), 2u);
  EXPECT_EQ(result.policies[0].policy->describe(), "ssl-redirect");
  EXPECT_EQ(result.policies[1].policy->describe(), "hsts");
  EXPECT_EQ(result.settings, PathSettings{});
  EXPECT_THAT(findings(result), IsEmpty());
  EXPECT_FALSE(result.denied || result.rejected || result.regex || result.regex_unless_path || result.balancing);
}

TEST(Policies, OfTwoPlainIngressesAreShared) {
  const auto one = parse({});
  const auto other = parse({});
  ASSERT_EQ(one.policies.size(), other.policies.size());
  for (std::size_t i = 0; i < one.policies.size(); ++i) EXPECT_EQ(one.policies[i].policy, other.policies[i].policy);
}

TEST(Policies, RunInStageOrder) {
  const auto result = parse({{"response-headers", "X-A: b"},
                             {"rewrite-target", "/x"},
                             {"allowlist-source-range", "10.0.0.0/8"},
                             {"permanent-redirect", "https://example.com"},
                             {"enable-cors", "true"},
                             {"app-root", "/app"}});
  std::vector<std::string> order;
  for (const auto& staged : result.policies) order.push_back(staged.policy->describe().substr(0, 5));
  EXPECT_THAT(order, ElementsAre("app-r", "cors ", "redir", "ssl-r", "allow", "rewri", "hsts", "respo"));
}

TEST(Policies, NameAnAnnotationThatIsNotSupportedYet) {
  const auto result = parse({{"limit-rps", "5"}});
  EXPECT_THAT(findings(result), ElementsAre(HasSubstr("warning limit-rps: known to ingress-nginx but not supported")));
}

TEST(Policies, SuggestWhatAnUnknownAnnotationMayMean) {
  EXPECT_THAT(findings(parse({{"rewrite-targt", "/"}})), ElementsAre(HasSubstr("did you mean \"rewrite-target\"?")));
  EXPECT_THAT(findings(parse({{"proxy-body-sizes", "8k"}})),
              ElementsAre(HasSubstr("did you mean \"proxy-body-size\"?")));
  EXPECT_THAT(findings(parse({{"response-header", "X: y"}})), ElementsAre(HasSubstr("\"response-headers\"?")));
  const auto strange = findings(parse({{"something-else-entirely", "1"}}));
  EXPECT_THAT(strange, ElementsAre(HasSubstr("unknown annotation")));
  EXPECT_THAT(strange, ElementsAre(testing::Not(HasSubstr("did you mean"))));
}

TEST(Policies, SayWhatBecameOfAnnotationsThatIngressNginxDropped) {
  EXPECT_THAT(findings(parse({{"secure-backends", "true"}})), ElementsAre(HasSubstr("backend-protocol: \"HTTPS\"")));
  EXPECT_THAT(findings(parse({{"rate-limit", "5"}})), ElementsAre(HasSubstr("limit-rps")));
}

TEST(Policies, HonourOrRefuseEveryAnnotationThatIngressNginxKnows) {
  std::set<std::string_view> owned;
  for (const PolicySpec* spec : all_policies()) {
    for (const AnnotationSpec& annotation : spec->annotations) {
      EXPECT_TRUE(owned.insert(annotation.name).second) << annotation.name << " is owned twice";
    }
  }
  for (const std::string_view name : known_annotations()) {
    if (owned.contains(name)) continue;
    EXPECT_THAT(findings(parse({{std::string(name), "x"}})), ElementsAre(HasSubstr("not supported by Fairlead yet")))
        << name;
  }
}

TEST(Policies, NeverIgnoreAValueTheyCannotUse) {
  for (const PolicySpec* spec : all_policies()) {
    for (const AnnotationSpec& annotation : spec->annotations) {
      PolicyParse::Annotations annotations{{std::string(annotation.name), "\x01 no such value"}};
      if (annotation.name.starts_with("cors-")) annotations["enable-cors"] = "true";
      const auto result = parse(annotations);
      EXPECT_TRUE(std::any_of(result.findings.begin(), result.findings.end(), [&](const PolicyParse::Finding& finding) {
        return finding.annotation == annotation.name && finding.severity != Severity::notice;
      })) << annotation.name;
    }
  }
}

TEST(KnownAnnotations, AreSortedAndUnique) {
  const auto names = known_annotations();
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST(EditDistance, CountsInsertionsDeletionsAndReplacements) {
  EXPECT_EQ(edit_distance("", "", 3), 0u);
  EXPECT_EQ(edit_distance("abc", "abc", 3), 0u);
  EXPECT_EQ(edit_distance("abc", "abd", 3), 1u);
  EXPECT_EQ(edit_distance("abc", "ac", 3), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting", 3), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting", 2), 3u);  // more than the limit
  EXPECT_EQ(edit_distance("a", "abcdefgh", 3), 4u);
}

TEST(Readme, HoldsTheTableOfAnnotations) {
  test::expect_readme_holds("annotations", annotation_table());
}

}  // namespace
}  // namespace fairlead

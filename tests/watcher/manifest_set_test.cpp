#include "watcher/manifest_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/watcher/kept_changes.hpp"

namespace fairlead {
namespace {

using nlohmann::json;
using test::text_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

json service(const std::string& name, const std::string& ns = "shop", int port = 80) {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", {{"name", name}, {"namespace", ns}}},
          {"spec", {{"ports", {{{"port", port}}}}}}};
}

class ManifestSetTest : public testing::Test {
 protected:
  std::vector<std::string> take() {
    std::vector<std::string> texts;
    for (const Change& change : set.take_changes()) {
      texts.push_back(text_of(change));
      if (change.type == Change::Type::problems) problems = change.problems;
      if (change.type == Change::Type::put) last = change.object;
    }
    return texts;
  }
  void put(const std::string& path, std::vector<json> objects) { set.put(path, std::move(objects)); }
  void put_broken(const std::string& path) { set.put(path, Failure{"line 3: a quote is missing"}); }

  ManifestSet set{""};
  Problems problems;
  json last;
};

TEST_F(ManifestSetTest, BeginsWithAReplaceOfEveryKind) {
  put("a.yaml", {service("a")});
  EXPECT_THAT(take(), ElementsAre("replace Ingress:", "replace IngressClass:", "replace Service: shop/a",
                                  "replace Secret:", "replace EndpointSlice:"));
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(ManifestSetTest, ThenSaysOnlyWhatIsDifferent) {
  put("a.yaml", {service("a"), service("b")});
  take();
  put("a.yaml", {service("a"), service("c")});
  EXPECT_THAT(take(), ElementsAre("remove Service shop/b", "put Service shop/c"));
}

TEST_F(ManifestSetTest, SaysNothingOfAFileSavedUnchanged) {
  put("a.yaml", {service("a")});
  take();
  put("a.yaml", {service("a")});
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(ManifestSetTest, ABrokenFileKeepsItsObjectsAndIsNamed) {
  put("a.yaml", {service("a")});
  take();
  put_broken("a.yaml");
  EXPECT_THAT(take(), ElementsAre("problems 1"));
  EXPECT_EQ(problems[0].object.name, "a.yaml");
  EXPECT_THAT(problems[0].message, HasSubstr("line 3: a quote is missing; the objects it held before stay in use"));
  put("a.yaml", {service("a")});
  EXPECT_THAT(take(), ElementsAre("problems 0"));
}

TEST_F(ManifestSetTest, AFileThatWasNeverGoodSaysThatNoneOfItIsServed) {
  put_broken("a.yaml");
  take();
  EXPECT_THAT(problems[0].message, HasSubstr("none of it is served"));
}

TEST_F(ManifestSetTest, AFileThatIsRemovedTakesItsObjectsAndProblemsAlong) {
  put("a.yaml", {service("a")});
  put_broken("b.yaml");
  take();
  set.remove("a.yaml");
  set.remove("b.yaml");
  set.remove("never-there.yaml");
  EXPECT_THAT(take(), ElementsAre("remove Service shop/a", "problems 0"));
}

TEST_F(ManifestSetTest, OfTwoDefinitionsTheFirstFileInPathOrderWins) {
  put("b.yaml", {service("a", "shop", 2)});
  take();
  put("a.yaml", {service("a", "shop", 1)});
  EXPECT_THAT(take(), ElementsAre("put Service shop/a", "problems 1"));
  EXPECT_EQ(last["spec"]["ports"][0]["port"], 1);
  EXPECT_THAT(problems[0].message, HasSubstr("is defined in a.yaml and in b.yaml; the first is used"));
  set.remove("a.yaml");
  EXPECT_THAT(take(), ElementsAre("put Service shop/a", "problems 0"));
  EXPECT_EQ(last["spec"]["ports"][0]["port"], 2);
}

TEST_F(ManifestSetTest, OfManyDefinitionsTheFirstThatIsLeftWins) {
  const std::vector<std::string> paths{"c.yaml", "a.yaml", "d.yaml", "b.yaml"};
  for (const std::string& path : paths) put(path, {service("a", "shop", path.front())});
  take();
  const auto port = [&] { return last["spec"]["ports"][0]["port"].get<int>(); };
  set.remove("b.yaml");
  EXPECT_THAT(take(), ElementsAre("problems 1"));
  EXPECT_THAT(problems[0].message, HasSubstr("is defined in a.yaml and in c.yaml; the first is used"));
  set.remove("a.yaml");
  take();
  EXPECT_EQ(port(), 'c');
  put("b.yaml", {service("a", "shop", 'B')});
  take();
  EXPECT_EQ(port(), 'B');
  set.remove("c.yaml");
  set.remove("b.yaml");
  EXPECT_THAT(take(), ElementsAre("put Service shop/a", "problems 0"));
  EXPECT_EQ(port(), 'd');
  set.remove("d.yaml");
  EXPECT_THAT(take(), ElementsAre("remove Service shop/a"));
}

TEST_F(ManifestSetTest, OfTwoDefinitionsInOneFileTheFirstWins) {
  put("a.yaml", {service("a", "shop", 1), service("a", "shop", 2)});
  const std::vector<Change> changes = set.take_changes();
  EXPECT_EQ((*changes[2].objects.begin())["spec"]["ports"][0]["port"], 1);
  EXPECT_THAT(changes.back().problems[0].message, HasSubstr("stands twice in a.yaml"));
}

TEST_F(ManifestSetTest, OtherKindsAreNoneOfOurBusiness) {
  put("a.yaml", {{{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"metadata", {{"name", "a"}}}},
                 {{"apiVersion", "serving.knative.dev/v1"}, {"kind", "Service"}, {"metadata", {{"name", "a"}}}}});
  take();
  EXPECT_THAT(problems, IsEmpty());
}

TEST_F(ManifestSetTest, WhatMeansToBeServedAndCannotBeIsNamed) {
  put("a.yaml", {json("text"),
                 json::object(),
                 {{"kind", "Service"}, {"apiVersion", "v1"}},
                 {{"apiVersion", "extensions/v1beta1"}, {"kind", "Ingress"}, {"metadata", {{"name", "a"}}}}});
  take();
  ASSERT_EQ(problems.size(), 4u);
  std::string all;
  for (const Problem& problem : problems) all += problem.message + "\n";
  EXPECT_THAT(all, HasSubstr("a document is no Kubernetes object"));
  EXPECT_THAT(all, HasSubstr("an object says no kind"));
  EXPECT_THAT(all, HasSubstr("of kind Service has no metadata.name"));
  EXPECT_THAT(all, HasSubstr("Write networking.k8s.io/v1"));
}

TEST(ManifestSetOfANamespace, LeavesOthersOutButKeepsClasses) {
  ManifestSet set("shop");
  const json fairlead_class = {
      {"apiVersion", "networking.k8s.io/v1"}, {"kind", "IngressClass"}, {"metadata", {{"name", "fairlead"}}}};
  set.put("a.yaml", std::vector<json>{service("a"), service("a", "blog"), fairlead_class});
  const std::vector<Change> changes = set.take_changes();
  EXPECT_EQ(text_of(changes[1]), "replace IngressClass: /fairlead");
  EXPECT_EQ(text_of(changes[2]), "replace Service: shop/a");
}

TEST_F(ManifestSetTest, ThereAreNeverMoreProblemsThanTheLimitAndOneThatCountsTheRest) {
  put("a.yaml", std::vector<json>(max_manifest_problems + 5, json("text")));
  take();
  EXPECT_EQ(problems.size(), max_manifest_problems + 1);
  EXPECT_THAT(problems.front().message, HasSubstr("and 5 more problems"));
}

}  // namespace
}  // namespace fairlead

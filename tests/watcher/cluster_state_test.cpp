#include "watcher/cluster_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/watcher/cluster.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct State : testing::Test {
  ClusterState::Touched hear(Change change) {
    ClusterState::Touched touched;
    state.apply(std::move(change), touched);
    return touched;
  }
  json web(const std::string& path) { return ingress("shop/web", {{"a.test", {"Prefix " + path + " web:80"}}}); }
  const KnownIngress& known() { return state.ingresses().at({"shop", "web"}); }
  std::string served_path() { return known().accepted->object().rules.at(0).paths.at(0).path; }

  std::vector<EndpointSlice> slices_of(const ObjectName& service) const {
    std::vector<EndpointSlice> slices;
    state.for_each_slice_of(service, [&](EndpointSlice slice) { slices.push_back(std::move(slice)); });
    return slices;
  }

  ClusterState state{TranslateOptions{}};
};

TEST_F(State, ANewObjectIsTouched) {
  EXPECT_THAT(hear(put(web("/"))).objects, ElementsAre(std::pair{Kind::ingress, ObjectName{"shop", "web"}}));
  EXPECT_EQ(served_path(), "/");
}

TEST_F(State, WhatNobodyReadsMayChangeUnnoticed) {
  hear(put(web("/")));
  json same = web("/");
  same["metadata"]["resourceVersion"] = "7";
  same["status"]["loadBalancer"]["ingress"] = {{{"ip", "192.0.2.1"}}};
  EXPECT_THAT(hear(put(same)).objects, IsEmpty());
}

TEST_F(State, ABadIngressKeepsItsLastGoodVersion) {
  hear(put(web("/good")));
  json bad = web("/bad");
  bad["spec"]["rules"][0]["http"]["paths"] = "none";
  EXPECT_THAT(hear(put(bad)).objects, SizeIs(1));
  EXPECT_EQ(served_path(), "/good");
  EXPECT_THAT(texts_of(known().problems.get()), ElementsAre(HasSubstr("spec.rules[0].http.paths: must be a list"),
                                                            HasSubstr("the last good one stays in use")));
  EXPECT_THAT(hear(put(bad)).objects, IsEmpty());
  EXPECT_THAT(hear(put(web("/good"))).objects, SizeIs(1));
  EXPECT_THAT(known().problems.get(), IsEmpty());
}

TEST_F(State, ARejectedAnnotationKeepsTheLastGoodVersion) {
  hear(put(web("/good")));
  json snippet = web("/bad");
  snippet["metadata"]["annotations"]["nginx.ingress.kubernetes.io/configuration-snippet"] = "return 200;";
  hear(put(snippet));
  EXPECT_EQ(served_path(), "/good");
  EXPECT_THAT(known().problems.get(), SizeIs(2));
}

TEST_F(State, AnIngressThatWasNeverGoodIsKnownButNotServed) {
  json bad = web("/");
  bad["spec"] = 7;
  EXPECT_THAT(hear(put(bad)).objects, SizeIs(1));
  EXPECT_EQ(known().accepted, nullptr);
  EXPECT_THAT(texts_of(known().problems.get()), testing::Contains(HasSubstr("counts as not there")));
}

TEST_F(State, ABadServiceAndABadSliceKeepTheirLastGoodVersions) {
  hear(put(service("shop/web")));
  json bad_service = service("shop/web");
  bad_service["spec"]["ports"][0]["port"] = "eighty";
  hear(put(bad_service));
  EXPECT_EQ(state.service({"shop", "web"})->ports.at(0).number, 80);

  hear(put(slice("shop/web-1", "web", {"10.0.0.1"})));
  const auto touched = hear(put(slice("shop/web-1", "web", {"10.0.0.1", "nowhere"})));
  EXPECT_THAT(touched.objects, SizeIs(1));
  EXPECT_THAT(touched.backed, IsEmpty());
  EXPECT_THAT(slices_of({"shop", "web"}).at(0).endpoints, SizeIs(1));
}

TEST_F(State, ASliceThatMovesTouchesBothServices) {
  hear(put(slice("shop/s", "web", {"10.0.0.1"})));
  EXPECT_THAT(hear(put(slice("shop/s", "api", {"10.0.0.1"}))).backed,
              ElementsAre(ObjectName{"shop", "api"}, ObjectName{"shop", "web"}));
  EXPECT_THAT(slices_of({"shop", "web"}), IsEmpty());
  EXPECT_THAT(slices_of({"shop", "api"}), SizeIs(1));
}

TEST_F(State, ARemovedObjectIsGoneWithItsLastGoodVersion) {
  hear(put(web("/")));
  EXPECT_THAT(hear(remove(Kind::ingress, "shop/web")).objects, SizeIs(1));
  EXPECT_THAT(state.ingresses(), IsEmpty());
  EXPECT_THAT(hear(remove(Kind::ingress, "shop/web")).objects, IsEmpty());
}

TEST_F(State, AReplacedKindLosesWhatIsNotThereAnyMore) {
  hear(put(service("shop/web")));
  hear(put(service("shop/api")));
  EXPECT_FALSE(state.heard_all(Kind::service));
  const auto touched = hear(replace(Kind::service, {service("shop/api"), service("shop/new")}));
  EXPECT_THAT(touched.objects, ElementsAre(std::pair{Kind::service, ObjectName{"shop", "new"}},
                                           std::pair{Kind::service, ObjectName{"shop", "web"}}));
  EXPECT_TRUE(state.heard_all(Kind::service));
  EXPECT_THAT(state.services(), SizeIs(2));
}

TEST_F(State, ASecretIsAnsweredByPutOrRemove) {
  EXPECT_FALSE(state.answered({"shop", "cert"}));
  EXPECT_THAT(hear(remove(Kind::secret, "shop/cert")).objects, SizeIs(1));  // its absence is news
  EXPECT_TRUE(state.answered({"shop", "cert"}));
  hear(put(tls_secret("shop/other")));
  EXPECT_TRUE(state.answered({"shop", "other"}));
}

TEST_F(State, ProblemsOfTheSourceReplaceEarlierOnes) {
  Change change;
  change.type = Change::Type::problems;
  change.problems = {{{"File", "", "a.yaml"}, "", "line 3: bad", Severity::error}};
  EXPECT_TRUE(hear(change).source_problems);
  EXPECT_FALSE(hear(change).source_problems);
  change.problems.clear();
  EXPECT_TRUE(hear(change).source_problems);
  EXPECT_THAT(state.source_problems(), IsEmpty());
}

}  // namespace
}  // namespace fairlead

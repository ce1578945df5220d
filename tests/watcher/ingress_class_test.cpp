#include "watcher/ingress_class.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/watcher/cluster.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

// An Ingress of host a.test that says this about its class; null and "" say nothing.
json claiming(const json& class_name, const std::string& annotation = "") {
  json made = ingress("shop/web", {{"a.test", {"Prefix / web:80"}}});
  made["spec"]["ingressClassName"] = class_name;
  if (!annotation.empty()) made["metadata"]["annotations"]["kubernetes.io/ingress.class"] = annotation;
  return made;
}

bool serves(const json& made, const TranslateOptions& options = {}, bool our_class_is_default = false) {
  Cluster cluster(options);
  cluster << service("shop/web") << ingress_class("another", "example.com/controller")
          << ingress_class("fairlead", options.controller_class, our_class_is_default) << made;
  return cluster.host("a.test") != nullptr;
}

TEST(IngressClass, IsFoundByNameAndController) {
  EXPECT_TRUE(serves(claiming("fairlead")));
  EXPECT_FALSE(serves(claiming("another")));
  EXPECT_FALSE(serves(claiming("nginx")));  // the legacy value is no name of an IngressClass
}

TEST(IngressClass, TheLegacyAnnotationCountsWithoutName) {
  EXPECT_TRUE(serves(claiming(nullptr, "nginx")));
  EXPECT_FALSE(serves(claiming(nullptr, "traefik")));
  EXPECT_FALSE(serves(claiming("another", "nginx")));
  EXPECT_TRUE(serves(claiming("fairlead", "traefik")));
}

TEST(IngressClass, WithoutAnyItIsTheDefaultClass) {
  EXPECT_FALSE(serves(claiming(nullptr)));
  EXPECT_TRUE(serves(claiming(nullptr), {}, true));
  EXPECT_FALSE(serves(claiming(nullptr, "traefik"), {}, true));
}

TEST(IngressClass, WithoutAnyItMayBeOursByOption) {
  TranslateOptions options;
  options.watch_ingress_without_class = true;
  EXPECT_TRUE(serves(claiming(nullptr), options));
  EXPECT_FALSE(serves(claiming(nullptr, "traefik"), options));
  EXPECT_FALSE(serves(claiming("another"), options));
}

TEST(IngressClass, AnotherControllerNameTakesItsClassesOver) {
  TranslateOptions options;
  options.controller_class = "example.com/controller";
  EXPECT_TRUE(serves(claiming("another"), options));
}

TEST(IngressClass, OneThatDoesNotExistIsReported) {
  Cluster cluster;
  cluster << claiming("typo");
  EXPECT_THAT(cluster.problems(), ElementsAre(StartsWith("error Ingress shop/web spec.ingressClassName: \"typo\"")));
}

TEST(IngressClass, WhatIsWrongWithAnothersIngressIsNotOurBusiness) {
  Cluster cluster;
  json made = claiming("another");
  made["metadata"]["annotations"]["nginx.ingress.kubernetes.io/server-snippet"] = "return 200;";
  made["spec"]["rules"] = "bad";
  cluster << ingress_class("another", "example.com/controller") << made;
  EXPECT_THAT(cluster.problems(), IsEmpty());
}

TEST(IngressClass, AnIngressThatLeavesUsIsLeftEvenWhenItsNewVersionIsBad) {
  Cluster cluster;
  cluster << ingress_class("another", "example.com/controller") << service("shop/web") << claiming("fairlead");
  ASSERT_NE(cluster.host("a.test"), nullptr);
  json leaving = claiming("another");
  leaving["spec"]["rules"] = "bad";
  cluster << leaving;
  EXPECT_EQ(cluster.host("a.test"), nullptr);
}

TEST(IngressClass, AVersionThatWasNeverOursIsNotServedInPlaceOfABadOne) {
  Cluster cluster;
  cluster << ingress_class("another", "example.com/controller") << service("shop/web") << claiming("another");
  json bad = claiming("fairlead");
  bad["spec"]["rules"] = "bad";
  cluster << bad;
  EXPECT_EQ(cluster.host("a.test"), nullptr);
}

}  // namespace
}  // namespace fairlead

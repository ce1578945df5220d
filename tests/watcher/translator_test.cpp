#include "watcher/translator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/watcher/cluster.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// What a Source says at the start when there is nothing.
std::vector<Change> nothing_there() {
  std::vector<Change> changes;
  for (const Kind kind : {Kind::ingress, Kind::ingress_class, Kind::service, Kind::endpoint_slice}) {
    changes.push_back(replace(kind, {}));
  }
  return changes;
}

template <class Parts>
std::vector<std::string> names_in(const Parts& parts) {
  std::vector<std::string> names;
  for (const auto& [name, part] : parts) names.push_back((part ? "" : "-") + name);
  return names;
}

struct ServedCluster : testing::Test {
  ServedCluster() {
    translator.apply(nothing_there());
    translator.apply({put(ingress_class("fairlead", TranslateOptions{}.controller_class))});
    translator.apply({put(ingress("shop/web", {{"a.test", {"Prefix / web:80"}}, {"b.test", {"Prefix / web:80"}}})),
                      put(with_tls(ingress("shop/api", {{"c.test", {"Prefix / api:80"}}}), {"c.test"}, "cert")),
                      put(service("shop/web")), put(service("shop/api")), put(slice("shop/web-1", "web", {"10.0.0.1"})),
                      put(slice("shop/api-1", "api", {"10.0.0.2"})), put(tls_secret("shop/cert"))});
    translator.step();
  }

  ConfigDelta delta_after(Change change) {
    translator.apply({std::move(change)});
    return translator.step().delta;
  }

  Translator translator{TranslateOptions{}};
};

TEST_F(ServedCluster, AnEndpointChangeTouchesOnlyItsUpstream) {
  const ConfigDelta delta = delta_after(put(slice("shop/web-1", "web", {"10.0.0.9"})));
  EXPECT_THAT(names_in(delta.upstreams), ElementsAre("shop/web/80"));
  EXPECT_THAT(delta.hosts, IsEmpty());
  EXPECT_THAT(delta.tls_hosts, IsEmpty());
  EXPECT_EQ(delta.settings, nullptr);
}

TEST_F(ServedCluster, AnIngressChangeTouchesTheHostsItNamedAndNames) {
  const ConfigDelta delta = delta_after(put(ingress("shop/web", {{"a.test", {"Prefix / web:80"}},  //
                                                                 {"d.test", {"Prefix / web:80"}}})));
  EXPECT_THAT(names_in(delta.hosts), ElementsAre("-b.test", "d.test"));
  EXPECT_THAT(delta.upstreams, IsEmpty());
}

TEST_F(ServedCluster, AnIngressThatGoesTakesItsHostsAndUpstreamsAlong) {
  const ConfigDelta delta = delta_after(remove(Kind::ingress, "shop/api"));
  EXPECT_THAT(names_in(delta.hosts), ElementsAre("-c.test"));
  EXPECT_THAT(names_in(delta.upstreams), ElementsAre("-shop/api/80"));
  EXPECT_THAT(names_in(delta.tls_hosts), ElementsAre("-c.test"));
}

TEST_F(ServedCluster, ARenewedCertificateTouchesOnlyItsTlsHosts) {
  const ConfigDelta delta = delta_after(put(tls_secret("shop/cert", "renewed")));
  EXPECT_THAT(names_in(delta.tls_hosts), ElementsAre("c.test"));
  EXPECT_THAT(delta.hosts, IsEmpty());
}

TEST_F(ServedCluster, TheSameContentAgainIsNoChange) {
  json again = service("shop/web");
  again["metadata"]["resourceVersion"] = "12345";
  translator.apply({put(again), put(slice("shop/web-1", "web", {"10.0.0.1"}))});
  const Translator::Step step = translator.step();
  EXPECT_TRUE(step.delta.empty());
  EXPECT_FALSE(step.problems_changed);
}

TEST_F(ServedCluster, AProblemThatComesAndGoesIsTold) {
  translator.apply({remove(Kind::service, "shop/web")});
  Translator::Step step = translator.step();
  EXPECT_TRUE(step.problems_changed);
  EXPECT_THAT(*step.problems, SizeIs(2));
  translator.apply({put(service("shop/web"))});
  step = translator.step();
  EXPECT_TRUE(step.problems_changed);
  EXPECT_THAT(*step.problems, IsEmpty());
}

TEST_F(ServedCluster, AClassThatBecomesAnothersTakesItsIngressesAway) {
  const ConfigDelta delta = delta_after(put(ingress_class("fairlead", "example.com/another")));
  EXPECT_THAT(names_in(delta.hosts), ElementsAre("-a.test", "-b.test", "-c.test"));
}

TEST_F(ServedCluster, OnlyNamesOfServicesThatAreLedToAreWanted) {
  EXPECT_THAT(translator.wanted_names(), IsEmpty());
  translator.apply({put(external_service("shop/other", "other.test")), put(external_service("shop/web", "x.test"))});
  EXPECT_THAT(translator.wanted_names(), ElementsAre("x.test"));
  EXPECT_FALSE(translator.names_answered());
  const ConfigDelta delta = delta_after(answer("x.test", {"192.0.2.1"}));
  EXPECT_THAT(names_in(delta.upstreams), ElementsAre("shop/web/80"));
  EXPECT_THAT(delta.hosts, IsEmpty());
  EXPECT_TRUE(translator.names_answered());
  const std::uint64_t version = translator.wanted_names_version();
  translator.apply({put(ingress("shop/more", {{"d.test", {"Prefix / web:80", "Prefix /x web:81"}}}))});
  EXPECT_EQ(translator.wanted_names_version(), version);
  translator.apply({remove(Kind::ingress, "shop/web"), remove(Kind::ingress, "shop/more")});
  EXPECT_THAT(translator.wanted_names(), IsEmpty());
  EXPECT_NE(translator.wanted_names_version(), version);
}

TEST_F(ServedCluster, ANameThatNobodyLeadsToIsForgotten) {
  translator.apply({put(external_service("shop/web", "x.test")), answer("x.test", {"192.0.2.1"})});
  translator.apply({put(external_service("shop/web", "y.test")), answer("z.test", {"192.0.2.2"})});
  translator.apply({put(external_service("shop/web", "x.test"))});
  EXPECT_FALSE(translator.names_answered()) << "it must be asked for again";
  translator.apply({put(external_service("shop/web", "z.test"))});
  EXPECT_FALSE(translator.names_answered()) << "what was told of a name that was not wanted is not kept";
}

TEST_F(ServedCluster, AServiceThatIsNoExternalNameAnyMoreWantsNoName) {
  translator.apply({put(external_service("shop/web", "x.test"))});
  EXPECT_THAT(translator.wanted_names(), ElementsAre("x.test"));
  translator.apply({put(external_service("shop/web", "192.0.2.1"))});
  EXPECT_THAT(translator.wanted_names(), IsEmpty());
  translator.apply({put(external_service("shop/web", "localhost"))});
  EXPECT_THAT(translator.wanted_names(), IsEmpty());
  translator.apply({put(external_service("shop/web", "x.test")), put(service("shop/web"))});
  EXPECT_THAT(translator.wanted_names(), IsEmpty());
  translator.apply({put(external_service("shop/web", "x.test"))});
  translator.apply({remove(Kind::service, "shop/web")});
  EXPECT_THAT(translator.wanted_names(), IsEmpty());
}

// Two namespaces with an Ingress each, of which one is selected.
struct SelectedNamespaces : testing::Test {
  SelectedNamespaces() {
    for (const Kind kind : {Kind::service, Kind::endpoint_slice, Kind::secret}) translator.apply({replace(kind, {})});
    translator.apply({replace(Kind::ingress_class, {ingress_class("fairlead", TranslateOptions{}.controller_class)}),
                      replace(Kind::ingress, {ingress("shop/web", {{"shop.test", {"Prefix / web:80"}}}),
                                              ingress("blog/web", {{"blog.test", {"Prefix / web:80"}}})})});
  }
  static TranslateOptions of_team_a() {
    TranslateOptions options;
    options.namespace_selector = LabelSelector::parse("team=a").value();
    return options;
  }
  std::vector<std::string> hosts_after(const Change& change) {
    translator.apply({change});
    return names_in(translator.step().delta.hosts);
  }

  Translator translator{of_team_a()};
};

TEST_F(SelectedNamespaces, AreAwaitedBeforeAnythingIsServed) {
  EXPECT_FALSE(translator.synced());
  translator.apply({replace(Kind::namespace_object, {})});
  EXPECT_TRUE(translator.synced());
}

TEST_F(SelectedNamespaces, BringTheirIngressesAndTakeThemAwayWithTheirLabels) {
  EXPECT_THAT(hosts_after(replace(Kind::namespace_object, {namespace_object("shop", {{"team", "a"}}),
                                                           namespace_object("blog", {{"team", "b"}})})),
              ElementsAre("", "shop.test"));
  EXPECT_THAT(hosts_after(put(namespace_object("blog", {{"team", "a"}}))), ElementsAre("blog.test"));
  EXPECT_THAT(hosts_after(put(namespace_object("shop", {}))), ElementsAre("-shop.test"));
  EXPECT_THAT(hosts_after(remove(Kind::namespace_object, "blog")), ElementsAre("-blog.test"));
}

TEST_F(SelectedNamespaces, HideTheProblemsOfAllOthers) {
  translator.apply({replace(Kind::namespace_object, {})});
  json lost = ingress("blog/lost", {});
  lost["spec"]["ingressClassName"] = "nobody";
  translator.apply({put(lost)});
  EXPECT_THAT(*translator.step().problems, IsEmpty());
}

TEST_F(ServedCluster, OnlySecretsOfOurIngressesAreWanted) {
  EXPECT_THAT(translator.wanted_secrets(), ElementsAre(ObjectName{"shop", "cert"}));
  json foreign = with_tls(ingress("shop/foreign", {{"e.test", {"Prefix / web:80"}}}), {"e.test"}, "theirs");
  foreign["spec"]["ingressClassName"] = "another";
  EXPECT_THAT(translator.take_wants(), testing::Contains(SecretWant{{"shop", "cert"}, true}));
  translator.apply({put(foreign)});
  EXPECT_THAT(translator.wanted_secrets(), SizeIs(1));
  EXPECT_THAT(translator.take_wants(), IsEmpty());
  translator.apply({remove(Kind::ingress, "shop/api")});
  EXPECT_THAT(translator.wanted_secrets(), IsEmpty());
  EXPECT_THAT(translator.take_wants(), ElementsAre(SecretWant{{"shop", "cert"}, false}));
}

TEST_F(ServedCluster, AHostKeepsItsCertificateUntilItsNewSecretIsAnswered) {
  const json moved = with_tls(ingress("shop/api", {{"c.test", {"Prefix / api:80"}}}), {"c.test"}, "next");
  EXPECT_THAT(delta_after(put(moved)).tls_hosts, IsEmpty());
  const ConfigDelta delta = delta_after(put(tls_secret("shop/next")));
  ASSERT_THAT(names_in(delta.tls_hosts), ElementsAre("c.test"));
  EXPECT_EQ(delta.tls_hosts.at("c.test")->candidates.front()->name, "next");
}

TEST_F(ServedCluster, ASecretThatIsNotAnsweredKeepsNobodyElseWaiting) {
  translator.apply({put(with_tls(ingress("shop/new", {{"e.test", {"Prefix / web:80"}}}), {"e.test"}, "slow"))});
  EXPECT_TRUE(translator.synced());
  EXPECT_THAT(names_in(delta_after(put(slice("shop/web-1", "web", {"10.0.0.9"}))).upstreams),
              ElementsAre("shop/web/80"));
}

TEST_F(ServedCluster, ASecretThatNobodyWantsIsForgotten) {
  translator.apply({remove(Kind::ingress, "shop/api"), put(tls_secret("shop/late"))});
  translator.step();
  const json again = with_tls(with_tls(ingress("shop/api", {{"c.test", {"Prefix / api:80"}}}), {"c.test"}, "cert"),
                              {"c.test"}, "late");
  EXPECT_THAT(delta_after(put(again)).tls_hosts.at("c.test")->candidates, IsEmpty());
  translator.apply({put(tls_secret("shop/cert", "renewed")), remove(Kind::secret, "shop/late")});
  EXPECT_THAT(translator.step().delta.tls_hosts.at("c.test")->candidates, SizeIs(1));
}

TEST_F(ServedCluster, ABadIngressKeepsServingItsLastGoodVersionUntilItIsGoodAgainOrGone) {
  json bad = ingress("shop/api", {{"c.test", {"Prefix / api:80"}}, {"d.test", {"Prefix / api:80"}}});
  bad["spec"]["rules"][1]["host"] = "no host";
  EXPECT_TRUE(delta_after(put(bad)).empty());
  EXPECT_TRUE(delta_after(put(slice("shop/web-2", "web", {"10.0.0.8"}))).hosts.empty());  // others go on
  const json good = ingress("shop/api", {{"d.test", {"Prefix / api:80"}}});
  EXPECT_THAT(names_in(delta_after(put(good)).hosts), ElementsAre("-c.test", "d.test"));
  EXPECT_TRUE(delta_after(put(bad)).empty());
  EXPECT_THAT(names_in(delta_after(remove(Kind::ingress, "shop/api")).hosts), ElementsAre("-d.test"));
}

TEST_F(ServedCluster, AnIngressIsToldAsServedOnceEverySecretItNamesIsAnswered) {
  const std::pair<ObjectName, bool> served{{"shop", "new"}, true};
  translator.apply({put(with_tls(ingress("shop/new", {{"n.test", {"Prefix / web:80"}}}), {"n.test"}, "late"))});
  EXPECT_THAT(translator.step().served, IsEmpty());
  translator.apply({remove(Kind::secret, "shop/late")});  // there is none, which is an answer
  EXPECT_THAT(translator.step().served, ElementsAre(served));
  EXPECT_THAT(translator.step().served, IsEmpty());
}

TEST_F(ServedCluster, AnIngressThatIsNotServedAnyMoreIsTold) {
  translator.apply({remove(Kind::ingress, "shop/web"), put(ingress_class("fairlead", "example.com/another"))});
  EXPECT_THAT(translator.step().served,
              ElementsAre(std::pair(ObjectName{"shop", "api"}, false), std::pair(ObjectName{"shop", "web"}, false)));
}

TEST_F(ServedCluster, AStatusThatIsWrittenIsNoChange) {
  json web = ingress("shop/web", {{"a.test", {"Prefix / web:80"}}, {"b.test", {"Prefix / web:80"}}});
  web["metadata"]["resourceVersion"] = "77";
  web["status"]["loadBalancer"]["ingress"] = json::array({{{"ip", "203.0.113.1"}}});
  translator.apply({put(web)});
  const Translator::Step step = translator.step();
  EXPECT_TRUE(step.delta.empty());
  EXPECT_THAT(step.served, IsEmpty());
}

TEST(Translator, TheFirstStepHoldsEverything) {
  Translator translator{TranslateOptions{}};
  translator.apply(nothing_there());
  const Translator::Step step = translator.step();
  EXPECT_THAT(names_in(step.delta.hosts), ElementsAre(""));
  EXPECT_NE(step.delta.settings, nullptr);
  EXPECT_TRUE(step.problems_changed);
  ASSERT_NE(step.problems, nullptr);
  EXPECT_TRUE(translator.step().delta.empty());
}

TEST(Translator, IsSyncedWhenEveryKindAndEveryWantedSecretWasHeard) {
  TranslateOptions options;
  options.default_ssl_certificate = "edge/fallback";
  Translator translator{options};
  EXPECT_THAT(translator.wanted_secrets(), ElementsAre(ObjectName{"edge", "fallback"}));
  std::vector<Change> kinds = nothing_there();
  const Change last = std::move(kinds.back());
  kinds.pop_back();
  translator.apply(std::move(kinds));
  translator.apply({remove(Kind::secret, "edge/fallback")});
  EXPECT_FALSE(translator.synced());
  translator.apply({last});
  EXPECT_TRUE(translator.synced());

  translator.apply({put(ingress_class("fairlead", options.controller_class)),
                    put(with_tls(ingress("shop/web", {{"a.test", {"Prefix / web:80"}}}), {"a.test"}, "cert"))});
  EXPECT_FALSE(translator.synced());
  translator.apply({put(tls_secret("shop/cert"))});
  EXPECT_TRUE(translator.synced());
}

TEST(Translator, IsSyncedWithoutAskingForSecretsWhenAllWereRead) {
  Translator translator{TranslateOptions{}};
  translator.apply(nothing_there());
  translator.apply({put(ingress_class("fairlead", TranslateOptions{}.controller_class)),
                    put(with_tls(ingress("shop/web", {{"a.test", {"Prefix / web:80"}}}), {"a.test"}, "cert"))});
  EXPECT_FALSE(translator.synced());
  translator.apply({replace(Kind::secret, {})});
  EXPECT_TRUE(translator.synced());
}

}  // namespace
}  // namespace fairlead

#include "watcher/translator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

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

TEST_F(ServedCluster, OnlySecretsOfOurIngressesAreWanted) {
  EXPECT_THAT(translator.wanted_secrets(), ElementsAre(ObjectName{"shop", "cert"}));
  json foreign = with_tls(ingress("shop/foreign", {{"e.test", {"Prefix / web:80"}}}), {"e.test"}, "theirs");
  foreign["spec"]["ingressClassName"] = "another";
  const std::uint64_t version = translator.wanted_secrets_version();
  translator.apply({put(foreign)});
  EXPECT_THAT(translator.wanted_secrets(), SizeIs(1));
  EXPECT_EQ(translator.wanted_secrets_version(), version);
  translator.apply({remove(Kind::ingress, "shop/api")});
  EXPECT_THAT(translator.wanted_secrets(), IsEmpty());
  EXPECT_NE(translator.wanted_secrets_version(), version);
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

// Objects of a small world, good and bad, so that they meet often.
class World {
 public:
  explicit World(std::uint32_t seed) : random_(seed) {}

  std::size_t below(std::size_t count) { return random_() % count; }
  bool one_in(std::size_t count) { return below(count) == 0; }
  const std::string& any(const std::vector<std::string>& of) { return of[below(of.size())]; }

  Change change() {
    const Kind kind = kinds_[below(std::size(kinds_))];
    if (one_in(30)) {
      Change change;
      change.type = Change::Type::problems;
      if (one_in(2)) change.problems = {{{"File", "", "a.yaml"}, "line 3", "is no YAML", Severity::error}};
      return change;
    }
    if (one_in(12)) return some_of(kind);
    if (one_in(4)) {
      const json victim = make(kind);
      Change change = put(victim);
      change.type = Change::Type::remove;
      return change;
    }
    return put(make(kind));
  }

 private:
  Change some_of(Kind kind) {
    std::vector<json> objects;
    for (std::size_t count = below(5); count > 0; --count) objects.push_back(make(kind));
    return replace(kind, std::move(objects));
  }

  json make(Kind kind) {
    switch (kind) {
      case Kind::ingress:
        return make_ingress();
      case Kind::ingress_class:
        return ingress_class(any({"fairlead", "another"}), any({TranslateOptions{}.controller_class, "example.com/x"}),
                             one_in(3));
      case Kind::service: {
        json made = service(
            any({"shop/web", "shop/api", "blog/web"}),
            one_in(3) ? std::map<std::string, int>{{"http", 80}, {"alt", 81}} : std::map<std::string, int>{{"", 80}});
        if (one_in(8)) made["spec"]["type"] = "ExternalName";
        if (one_in(8)) made["spec"]["ports"] = "bad";
        return made;
      }
      case Kind::endpoint_slice: {
        json made =
            slice(any({"shop/s1", "shop/s2", "blog/s1"}), any({"web", "api"}),
                  {any({"10.0.0.1", "10.0.0.2", "bad"}), any({"10.0.0.3", "10.0.0.4"})}, {{any({"", "http"}), 8080}});
        return made;
      }
      case Kind::secret: {
        json made = tls_secret(any({"shop/c1", "shop/c2", "blog/c1"}), any({"1", "2"}));
        if (one_in(4)) made["stringData"]["tls.key"] = "bad";
        return made;
      }
    }
    return {};
  }

  json make_ingress() {
    Rules rules;
    for (std::size_t count = below(4); count > 0; --count) {
      std::vector<std::string> paths;
      for (std::size_t more = below(3); more > 0; --more) {
        paths.push_back(any({"Prefix", "Exact", "ImplementationSpecific"}) + " " +
                        any({"/", "/a", "/a/", "/a/b", "/(x", "/a(.*)"}) + " " +
                        any({"web:80", "web:http", "api:80", "gone:80"}));
      }
      rules.emplace_back(any({"", "a.test", "b.test", "*.test"}), paths);
    }
    Annotations annotations;
    if (one_in(4)) annotations["rewrite-target"] = any({"/", "/a", "/$1"});
    if (one_in(6)) annotations["use-regex"] = "true";
    if (one_in(6)) annotations["load-balance"] = any({"ewma", "round_robin"});
    if (one_in(6)) annotations["backend-protocol"] = "HTTPS";
    if (one_in(8)) annotations["allowlist-source-range"] = any({"10.0.0.0/8", "bad"});
    if (one_in(8)) annotations["server-snippet"] = "return 200;";
    json made = ingress(any({"shop/i1", "shop/i2", "shop/i3", "blog/i1"}), rules, annotations);
    if (one_in(3)) made["spec"]["defaultBackend"] = backend(any({"web:80", "api:81"}));
    if (one_in(2)) made = created(made, any({"2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"}));
    if (one_in(2)) made = with_tls(made, {any({"a.test", "b.test", "*.test", "c.test"})}, any({"c1", "c2", ""}));
    if (one_in(5)) made = with_tls(made, {}, any({"c1", "gone"}));
    if (one_in(6)) made["spec"]["ingressClassName"] = any({"another", "nobody"});
    if (one_in(6)) made["spec"].erase("ingressClassName");
    if (one_in(10)) made["spec"]["rules"] = "bad";
    return made;
  }

  static constexpr Kind kinds_[] = {Kind::ingress, Kind::ingress,        Kind::ingress, Kind::ingress_class,
                                    Kind::service, Kind::endpoint_slice, Kind::secret};
  std::mt19937 random_;
};

// Runs one random history; the number of the first step that is not as the full translation, or -1.
int first_difference(std::uint32_t seed, int steps, const TranslateOptions& options) {
  World world(seed);
  ClusterState state(options);
  ClusterState::Touched touched;
  Translator translator(options);
  Config config;
  for (int i = 0; i < steps; ++i) {
    std::vector<Change> changes;
    for (std::size_t count = world.below(4); count > 0; --count) changes.push_back(world.change());
    for (const Change& change : changes) state.apply(change, touched);
    translator.apply(std::move(changes));
    if (world.one_in(3)) continue;
    const Translator::Step step = translator.step();
    apply(config, step.delta);
    const Translation full = translate(state, options);
    if (!(config == full.config) || *step.problems != full.problems) return i;
  }
  return -1;
}

TEST(Translator, AlwaysEqualsTheFullTranslation) {
  TranslateOptions options;
  for (std::uint32_t seed = 0; seed < 80; ++seed) {
    ASSERT_EQ(first_difference(seed, 60, options), -1) << "seed " << seed;
  }
}

TEST(Translator, AlwaysEqualsTheFullTranslationWithEveryOption) {
  TranslateOptions options;
  options.watch_ingress_without_class = true;
  options.default_backend_service = "shop/web";
  options.default_ssl_certificate = "shop/c1";
  options.settings.hsts = false;
  for (std::uint32_t seed = 1000; seed < 1040; ++seed) {
    ASSERT_EQ(first_difference(seed, 60, options), -1) << "seed " << seed;
  }
}

}  // namespace
}  // namespace fairlead

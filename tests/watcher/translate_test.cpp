#include "watcher/translate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/watcher/cluster.hpp"

namespace fairlead {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char* old = "2024-01-01T00:00:00Z";
constexpr const char* recent = "2025-01-01T00:00:00Z";

// A cluster with the Services shop/web (port 80) and shop/api (ports http 80, alt 81), each with endpoints.
struct Translate : testing::Test {
  Cluster shop(const TranslateOptions& options = {}) {
    Cluster made(options);
    made << service("shop/web") << slice("shop/web-1", "web", {"10.0.0.1"});
    made << service("shop/api", {{"http", 80}, {"alt", 81}});
    made << slice("shop/api-1", "api", {"10.0.0.2"}, {{"http", 8080}, {"alt", 8081}});
    return made;
  }
  Cluster cluster = shop();
};

// --- what belongs to a host as a whole ---

bool has_policy(const Path& path, std::string_view begin) {
  return std::any_of(path.route->policies.begin(), path.route->policies.end(),
                     [&](const auto& policy) { return policy->describe().starts_with(begin); });
}

TEST_F(Translate, AGuardOfAHostThatIsMissingClosesEveryPathOfIt) {
  cluster << created(ingress("shop/web", {{"a.test", {"Prefix / web:80"}}, {"b.test", {"Prefix / web:80"}}}), old)
          << created(ingress("shop/guarded", {{"a.test", {"Prefix /in web:80"}}}, {{"auth-tls-secret", "shop/ca"}}),
                     recent);
  EXPECT_THAT(cluster.paths("a.test"),
              ElementsAre("prefix / -> shop/web/80 denied", "prefix /in -> shop/web/80 denied"));
  EXPECT_THAT(cluster.paths("b.test"), ElementsAre("prefix / -> shop/web/80"));
  EXPECT_THAT(cluster.paths(""), ElementsAre("prefix / -> 404"));
  EXPECT_THAT(cluster.problems(),
              Contains(StartsWith("error Ingress shop/web spec.rules: on host \"a.test\" every path "
                                  "answers 503, because Ingress shop/guarded")));
}

TEST_F(Translate, AGuardOfADefaultBackendDoesNotCloseHostlessRulesOfOthers) {
  json all = ingress("shop/all", {}, {{"auth-tls-secret", "shop/ca"}});
  all["spec"]["defaultBackend"] = backend("web:80");
  cluster << all << ingress("shop/web", {{"", {"Prefix /a web:80"}}});
  EXPECT_THAT(cluster.paths(""), ElementsAre("prefix /a -> shop/web/80", "prefix / -> shop/web/80 denied"));
}

TEST_F(Translate, UnknownHostsInheritNothingFromHostlessRules) {
  cluster << ingress("shop/web", {{"", {"Prefix /a web:80"}}}, {{"allowlist-source-range", "10.0.0.0/8"}});
  const Path& unknown = cluster.host("")->paths.back();
  EXPECT_EQ(unknown.path, "/");
  EXPECT_EQ(unknown.route->ingress, "");
  EXPECT_TRUE(unknown.route->policies.empty());
}

TEST_F(Translate, TheAppRootOfAHostStandsOnItsRootWhoseverThatIs) {
  cluster << created(ingress("shop/web", {{"a.test", {"Prefix / web:80"}}}), old)
          << created(ingress("shop/app", {{"a.test", {"Prefix /app web:80"}}}, {{"app-root", "/app"}}), recent)
          << ingress("shop/late", {{"a.test", {"Prefix /z web:80"}}}, {{"app-root", "/z"}});
  const auto& paths = cluster.host("a.test")->paths;  // late says no time of creation, which sorts first
  EXPECT_TRUE(
      std::all_of(paths.begin(), paths.end(), [](const Path& path) { return has_policy(path, "app-root /z"); }));
  EXPECT_THAT(cluster.problems(),
              ElementsAre(AllOf(StartsWith("warning Ingress shop/app metadata.annotations: on host \"a.test\" it is"),
                                HasSubstr("\"app-root /z\" of Ingress shop/late"))));
}

// --- hosts and paths ---

TEST_F(Translate, PathsOfAnIngressThatLeadToTheSamePortShareTheirRoute) {
  cluster << ingress(
      "shop/web",
      {{"a.test", {"Prefix /a web:80", "Prefix /b web:80", "Prefix /c api:http"}}, {"b.test", {"Prefix / web:80"}}},
      {{"app-root", "/a"}});
  const auto& paths = cluster.host("a.test")->paths;
  EXPECT_EQ(paths[0].route, paths[1].route);
  EXPECT_NE(paths[0].route, paths[2].route);
  EXPECT_EQ(paths[2].route->service, "api");
  EXPECT_EQ(paths[2].route->port, "http");
  EXPECT_TRUE(has_policy(paths[1], "app-root /a")) << "also with what belongs to the host as a whole";
}

TEST_F(Translate, APathThatAPolicyDependsOnHasARouteOfItsOwn) {
  cluster << ingress("shop/web", {{"a.test", {"Prefix /a/(.*) web:80", "Prefix /b/(.*) web:80"}}},
                     {{"rewrite-target", "/$1"}});
  const auto& paths = cluster.host("a.test")->paths;
  EXPECT_NE(paths[0].route, paths[1].route);
  EXPECT_EQ(paths[0].route->upstream_key, paths[1].route->upstream_key);
}

TEST_F(Translate, TheCatchAllHostIsAlwaysThere) {
  EXPECT_THAT(cluster.paths(""), ElementsAre("prefix / -> 404"));
  EXPECT_THAT(cluster.problems(), IsEmpty());
}

TEST_F(Translate, AHostWithoutRootGetsOneThatLeadsToTheDefaultBackend) {
  cluster << ingress("shop/web", {{"Shop.Example.com", {"Prefix /cart web:80"}}});
  EXPECT_THAT(cluster.paths("shop.example.com"), ElementsAre("prefix /cart -> shop/web/80", "prefix / -> 404"));
  EXPECT_THAT(cluster.problems(), IsEmpty());
}

TEST_F(Translate, AnExactRootDoesNotReplaceTheImplicitOne) {
  cluster << ingress("shop/web", {{"a.test", {"Exact / web:80"}}});
  EXPECT_THAT(cluster.paths("a.test"), ElementsAre("exact / -> shop/web/80", "prefix / -> 404"));
}

TEST_F(Translate, ImplementationSpecificIsPrefix) {
  cluster << ingress("shop/web", {{"a.test", {"ImplementationSpecific / web:80"}}});
  EXPECT_THAT(cluster.paths("a.test"), ElementsAre("prefix / -> shop/web/80"));
}

TEST_F(Translate, TheGlobalDefaultBackendIsReachedByItsFirstPort) {
  TranslateOptions options;
  options.default_backend_service = "shop/api";
  Cluster made = shop(options);
  made << ingress("shop/web", {{"a.test", {"Prefix /cart web:80"}}});
  EXPECT_THAT(made.paths(""), ElementsAre("prefix / -> shop/api/"));
  EXPECT_THAT(made.paths("a.test"), ElementsAre("prefix /cart -> shop/web/80", "prefix / -> shop/api/"));
  EXPECT_EQ(made.config().upstreams.at("shop/api/")->name, "upstream-default-backend");
  EXPECT_THAT(made.endpoints("shop/api/"), ElementsAre("10.0.0.2:8081"));  // "alt" stands first
  made.hear(remove(Kind::service, "shop/api"));
  EXPECT_THAT(made.problems(), ElementsAre(StartsWith("error Service shop/api : as the default backend: ")));
}

TEST_F(Translate, TheDefaultBackendOfAnIngressWithoutRulesIsForEveryHost) {
  json made = ingress("shop/all", {});
  made["spec"]["defaultBackend"] = backend("web:80");
  cluster << made;
  EXPECT_THAT(cluster.paths(""), ElementsAre("prefix / -> shop/web/80"));
}

TEST_F(Translate, TheDefaultBackendOfAnIngressWithRulesIsForItsHostsOnly) {
  json made = ingress("shop/some", {{"a.test", {"Prefix /cart web:80"}}});
  made["spec"]["defaultBackend"] = backend("api:http");
  cluster << made;
  EXPECT_THAT(cluster.paths("a.test"), ElementsAre("prefix /cart -> shop/web/80", "prefix / -> shop/api/http"));
  EXPECT_THAT(cluster.paths(""), ElementsAre("prefix / -> 404"));
}

TEST_F(Translate, OfTwoDefaultBackendsTheOlderWins) {
  json older = created(ingress("shop/older", {}), old);
  older["spec"]["defaultBackend"] = backend("web:80");
  json younger = created(ingress("shop/younger", {}), recent);
  younger["spec"]["defaultBackend"] = backend("api:http");
  cluster << younger << older;
  EXPECT_THAT(cluster.paths(""), ElementsAre("prefix / -> shop/web/80"));
  EXPECT_THAT(cluster.problems(), ElementsAre(StartsWith("error Ingress shop/younger spec.defaultBackend: \"/\" on ")));
}

TEST_F(Translate, OfTwoIngressesWithOnePathTheOlderWins) {
  cluster << created(ingress("shop/younger", {{"a.test", {"Prefix / api:http"}}}), recent)
          << created(ingress("shop/older", {{"a.test", {"Prefix / web:80"}}}), old);
  EXPECT_THAT(cluster.paths("a.test"), ElementsAre("prefix / -> shop/web/80"));
  EXPECT_THAT(cluster.problems(),
              ElementsAre(AllOf(StartsWith("error Ingress shop/younger spec.rules[0].http.paths[0].path: "),
                                HasSubstr("already served by spec.rules[0].http.paths[0] of Ingress shop/older"))));
}

TEST_F(Translate, OfTheSameAgeTheLaterNameWins) {
  cluster << created(ingress("shop/a", {{"a.test", {"Prefix / web:80"}}}), old)
          << created(ingress("shop/b", {{"a.test", {"Prefix / api:http"}}}), old);
  EXPECT_THAT(cluster.paths("a.test"), ElementsAre("prefix / -> shop/api/http"));
}

TEST_F(Translate, OnePathWithTwoTypesIsNoCollision) {
  cluster << ingress("shop/web", {{"a.test", {"Prefix / web:80", "Prefix /a web:80", "Exact /a api:http"}}});
  EXPECT_THAT(cluster.paths("a.test"),
              ElementsAre("prefix / -> shop/web/80", "prefix /a -> shop/web/80", "exact /a -> shop/api/http"));
  EXPECT_THAT(cluster.problems(), IsEmpty());
}

TEST_F(Translate, APrefixWithAndOneWithoutSlashAreTheSame) {
  cluster << ingress("shop/web", {{"a.test", {"Prefix / web:80", "Prefix /a web:80", "Prefix /a/ api:http"}}});
  EXPECT_THAT(cluster.paths("a.test"), ElementsAre("prefix / -> shop/web/80", "prefix /a -> shop/web/80"));
  EXPECT_THAT(cluster.problems(), ElementsAre(HasSubstr("spec.rules[0].http.paths[2].path: ")));
}

TEST_F(Translate, AResourceBackendCostsItsPath) {
  json made = ingress("shop/web", {{"a.test", {"Prefix / web:80", "Prefix /a web:80"}}});
  made["spec"]["rules"][0]["http"]["paths"][1]["backend"] = {{"resource", {{"kind", "Bucket"}, {"name", "b"}}}};
  cluster << made;
  EXPECT_THAT(cluster.paths("a.test"), ElementsAre("prefix / -> shop/web/80"));
  EXPECT_THAT(cluster.problems(), ElementsAre(HasSubstr("spec.rules[0].http.paths[1].backend.resource: ")));
}

TEST_F(Translate, AnIngressOfAnotherNamespaceMayShareAHost) {
  cluster << service("blog/web") << slice("blog/web-1", "web", {"10.1.0.1"});
  cluster << ingress("shop/web", {{"a.test", {"Prefix / web:80"}}})
          << ingress("blog/web", {{"a.test", {"Prefix /blog web:80"}}});
  EXPECT_THAT(cluster.paths("a.test"), ElementsAre("prefix / -> shop/web/80", "prefix /blog -> blog/web/80"));
  EXPECT_THAT(cluster.endpoints("blog/web/80"), ElementsAre("10.1.0.1:8080"));
}

// --- regex hosts ---

TEST_F(Translate, OneRegexIngressMakesTheWholeHostRegexAndTheOthersAreTold) {
  cluster << ingress("shop/rewriting", {{"a.test", {"Prefix /api(/|$)(.*) api:http"}}}, {{"rewrite-target", "/$2"}})
          << ingress("shop/plain", {{"a.test", {"Exact /cart web:80"}}});
  EXPECT_TRUE(cluster.host("a.test")->regex);
  EXPECT_THAT(cluster.paths("a.test"),
              ElementsAre("prefix /api(/|$)(.*) -> shop/api/http", "exact /cart -> shop/web/80", "prefix / -> 404"));
  EXPECT_THAT(cluster.problems(), ElementsAre(AllOf(StartsWith("notice Ingress shop/plain spec.rules: on host "),
                                                    HasSubstr("because Ingress shop/rewriting has use-regex"))));
}

TEST_F(Translate, RegexesAreTriedLongestFirstThenLastInTheAlphabet) {
  cluster << ingress("shop/web",
                     {{"a.test",
                       {"Prefix / web:80", "Prefix /b web:80", "Prefix /foo/bar/bar web:80", "Prefix /c web:80",
                        "Prefix /foo/bar/[A-Z0-9]{3} web:80"}}},
                     {{"use-regex", "true"}});
  EXPECT_THAT(cluster.paths("a.test"),
              ElementsAre("prefix /foo/bar/[A-Z0-9]{3} -> shop/web/80", "prefix /foo/bar/bar -> shop/web/80",
                          "prefix /c -> shop/web/80", "prefix /b -> shop/web/80", "prefix / -> shop/web/80"));
}

TEST_F(Translate, APlainPrefixOnARegexHostCountsWithAndWithoutSlash) {
  cluster << ingress("shop/regex", {{"a.test", {"Prefix /x/[0-9] api:http"}}}, {{"use-regex", "true"}})
          << ingress("shop/plain", {{"a.test", {"Prefix /foo web:80", "Exact /bar web:80", "Prefix /bar web:80"}}});
  EXPECT_THAT(cluster.paths("a.test"), ElementsAre("prefix /x/[0-9] -> shop/api/http", "prefix /foo/ -> shop/web/80",
                                                   "prefix /bar/ -> shop/web/80", "prefix /foo -> shop/web/80",
                                                   "exact /bar -> shop/web/80", "prefix / -> 404"));
}

TEST_F(Translate, ARewriteToThePathItselfMakesNoRegexHost) {
  cluster << ingress("shop/web", {{"a.test", {"Prefix / web:80"}}}, {{"rewrite-target", "/"}});
  EXPECT_FALSE(cluster.host("a.test")->regex);
}

TEST_F(Translate, ARegexThatCannotBeReadCostsItsPath) {
  cluster << ingress("shop/web", {{"a.test", {"Prefix /a(?!b) web:80", "Prefix / web:80"}}}, {{"use-regex", "true"}});
  EXPECT_THAT(cluster.paths("a.test"), ElementsAre("prefix / -> shop/web/80"));
  EXPECT_THAT(cluster.problems(),
              ElementsAre(AllOf(StartsWith("error Ingress shop/web spec.rules[0].http.paths[0].path: "),
                                HasSubstr("look-ahead"), HasSubstr("this path is not served"))));
}

TEST_F(Translate, WhatLooksLikeARegexButIsNoneIsPointedOut) {
  cluster << ingress("shop/web", {{"a.test", {"Prefix /a/(.*) web:80", "Prefix / web:80"}}});
  EXPECT_FALSE(cluster.host("a.test")->regex);
  EXPECT_THAT(cluster.problems(), ElementsAre(AllOf(StartsWith("notice Ingress shop/web "), HasSubstr("use-regex"))));
}

// --- annotations ---

TEST_F(Translate, UnmatchedPathsInheritFromTheOldestIngressOfTheHost) {
  cluster << created(ingress("shop/older", {{"a.test", {"Prefix /a web:80"}}},
                             {{"allowlist-source-range", "10.0.0.0/8"}, {"proxy-body-size", "8m"}}),
                     old)
          << created(ingress("shop/younger", {{"a.test", {"Prefix /b web:80"}}}), recent);
  const Path& unmatched = cluster.host("a.test")->paths.back();
  EXPECT_EQ(unmatched.path, "/");
  EXPECT_EQ(unmatched.route->ingress, "older");
  EXPECT_EQ(unmatched.route->settings.max_body_bytes, 8u << 20);
  const auto allows = [](const auto& policy) { return policy->describe() == "allow 10.0.0.0/8"; };
  EXPECT_TRUE(std::any_of(unmatched.route->policies.begin(), unmatched.route->policies.end(), allows));
  const auto& younger = cluster.host("a.test")->paths[1];
  EXPECT_EQ(younger.route->ingress, "younger");
  EXPECT_FALSE(std::any_of(younger.route->policies.begin(), younger.route->policies.end(), allows));
}

TEST_F(Translate, AGuardThatCannotBeReadDeniesEveryPathOfItsIngress) {
  cluster << ingress("shop/web", {{"a.test", {"Prefix /a web:80"}}}, {{"whitelist-source-range", "everybody"}})
          << ingress("shop/api", {{"b.test", {"Prefix / api:http"}}});
  EXPECT_THAT(cluster.paths("a.test"), ElementsAre("prefix /a -> shop/web/80 denied", "prefix / -> 404 denied"));
  EXPECT_THAT(cluster.paths("b.test"), ElementsAre("prefix / -> shop/api/http"));
  EXPECT_THAT(
      cluster.problems(),
      ElementsAre(StartsWith("error Ingress shop/web "
                             "metadata.annotations[\"nginx.ingress.kubernetes.io/whitelist-source-range\"]: ")));
}

TEST_F(Translate, AnUnknownAnnotationIsNamedAndTheIngressServed) {
  cluster << ingress("shop/web", {{"a.test", {"Prefix / web:80"}}}, {{"proxy-body-siez", "8m"}});
  EXPECT_THAT(cluster.paths("a.test"), ElementsAre("prefix / -> shop/web/80"));
  EXPECT_THAT(cluster.problems(), ElementsAre(AllOf(StartsWith("warning Ingress shop/web "), HasSubstr("siez"))));
}

TEST_F(Translate, OneServiceOverHttpAndHttpsIsTwoUpstreams) {
  cluster << ingress("shop/plain", {{"a.test", {"Prefix / web:80"}}})
          << ingress("shop/secure", {{"b.test", {"Prefix / web:80"}}}, {{"backend-protocol", "HTTPS"}});
  EXPECT_EQ(cluster.config().upstreams.at("shop/web/80")->protocol, UpstreamProtocol::http);
  EXPECT_EQ(cluster.config().upstreams.at("shop/web/80/https")->protocol, UpstreamProtocol::https);
  EXPECT_EQ(cluster.config().upstreams.at("shop/web/80/https")->name, "shop-web-80");
}

TEST_F(Translate, TheOldestIngressOfAnUpstreamChoosesItsBalancing) {
  cluster << created(ingress("shop/older", {{"a.test", {"Prefix / web:80"}}}, {{"load-balance", "round_robin"}}), old)
          << created(ingress("shop/younger", {{"b.test", {"Prefix / web:80"}}}, {{"load-balance", "ewma"}}), recent);
  EXPECT_EQ(cluster.config().upstreams.at("shop/web/80")->balancing, Balancing::round_robin);
  EXPECT_THAT(cluster.problems(), testing::Contains(AllOf(StartsWith("warning Ingress shop/younger "),
                                                          HasSubstr("its load-balance is not honoured here"))));
}

TEST_F(Translate, NamesThatRunTogetherAreNoCommonUpstream) {
  cluster << service("a/b-c") << slice("a/s", "b-c", {"10.2.0.1"}) << service("a-b/c")
          << slice("a-b/s", "c", {"10.3.0.1"});
  cluster << ingress("a/i", {{"a.test", {"Prefix / b-c:80"}}}) << ingress("a-b/i", {{"b.test", {"Prefix / c:80"}}});
  EXPECT_THAT(cluster.endpoints("a/b-c/80"), ElementsAre("10.2.0.1:8080"));
  EXPECT_THAT(cluster.endpoints("a-b/c/80"), ElementsAre("10.3.0.1:8080"));
}

// --- services and endpoints ---

TEST_F(Translate, APortByNumberOrNameLeadsToTheSlicePortOfThatName) {
  cluster << ingress("shop/web", {{"a.test", {"Prefix / api:80", "Prefix /alt api:alt"}}});
  EXPECT_THAT(cluster.endpoints("shop/api/80"), ElementsAre("10.0.0.2:8080"));
  EXPECT_THAT(cluster.endpoints("shop/api/alt"), ElementsAre("10.0.0.2:8081"));
  EXPECT_THAT(cluster.problems(), IsEmpty());
}

TEST_F(Translate, EndpointsOfSeveralSlicesAreOneSortedList) {
  json v6 = slice("shop/web-3", "web", {"fd00::1"});
  v6["addressType"] = "IPv6";
  json unready = slice("shop/web-4", "web", {"10.0.0.7"});
  unready["endpoints"][0]["conditions"] = {{"ready", false}, {"serving", true}, {"terminating", true}};
  json unknown = slice("shop/web-5", "web", {"10.0.0.6"});
  unknown["endpoints"][0]["conditions"] = {{"ready", nullptr}};
  cluster << slice("shop/web-2", "web", {"10.0.0.9", "10.0.0.1"}) << v6 << unready << unknown;
  cluster << ingress("shop/web", {{"a.test", {"Prefix / web:80"}}});
  EXPECT_THAT(cluster.endpoints("shop/web/80"),
              ElementsAre("10.0.0.1:8080", "10.0.0.6:8080", "10.0.0.9:8080", "fd00::1:8080"));
}

TEST_F(Translate, AServiceThatDoesNotExistLeavesAnUpstreamWithoutEndpoints) {
  cluster << ingress("shop/web", {{"a.test", {"Prefix / gone:80"}}});
  EXPECT_THAT(cluster.paths("a.test"), ElementsAre("prefix / -> shop/gone/80"));
  EXPECT_THAT(cluster.endpoints("shop/gone/80"), IsEmpty());
  EXPECT_THAT(cluster.problems(),
              ElementsAre(AllOf(StartsWith("error Ingress shop/web spec.rules[0].http.paths[0].backend.service.name: "),
                                HasSubstr("Service shop/gone does not exist"), HasSubstr("503"))));
}

TEST_F(Translate, APortThatDoesNotExistIsAnsweredWithThoseThatDo) {
  cluster << ingress("shop/web", {{"a.test", {"Prefix / api:grpc"}}});
  EXPECT_THAT(cluster.endpoints("shop/api/grpc"), IsEmpty());
  EXPECT_THAT(cluster.problems(), ElementsAre(HasSubstr("has no TCP port grpc; it has 81 (alt), 80 (http)")));
}

TEST_F(Translate, ATargetPortIsUnderstoodAndPointedOut) {
  json made = service("shop/web");
  made["spec"]["ports"][0]["targetPort"] = 8080;
  cluster << made << ingress("shop/web", {{"a.test", {"Prefix / web:8080"}}});
  EXPECT_THAT(cluster.endpoints("shop/web/8080"), ElementsAre("10.0.0.1:8080"));
  EXPECT_THAT(cluster.problems(), ElementsAre(StartsWith("notice Ingress shop/web ")));
}

TEST_F(Translate, SlicesWithoutThePortsNameAreReported) {
  json api = service("shop/api", {{"http", 80}});
  api["spec"]["ports"][0]["targetPort"] = "web";
  cluster << api << slice("shop/api-1", "api", {"10.0.0.2"}, {{"", 8080}})
          << ingress("shop/web", {{"a.test", {"Prefix / api:http"}}});
  EXPECT_THAT(cluster.endpoints("shop/api/http"), IsEmpty());
  EXPECT_THAT(cluster.problems(), ElementsAre(HasSubstr("no EndpointSlice of Service shop/api has a TCP port named")));
}

TEST_F(Translate, AServiceScaledToZeroIsNoProblem) {
  cluster.hear(remove(Kind::endpoint_slice, "shop/web-1"));
  cluster << ingress("shop/web", {{"a.test", {"Prefix / web:80"}}});
  EXPECT_THAT(cluster.endpoints("shop/web/80"), IsEmpty());
  EXPECT_THAT(cluster.problems(), IsEmpty());
}

TEST_F(Translate, AnExternalNameLeadsToWhatDnsSaysOfIt) {
  cluster << external_service("shop/outside", "api.example.com")
          << ingress("shop/web", {{"a.test", {"Prefix / outside:443"}}});
  EXPECT_THAT(cluster.endpoints("shop/outside/443"), IsEmpty());
  EXPECT_THAT(cluster.problems(), ElementsAre(AllOf(StartsWith("notice Ingress shop/web "),
                                                    HasSubstr("api.example.com, which is not resolved yet"))));
  cluster.hear(answer("api.example.com", {"192.0.2.2", "192.0.2.1"}));
  EXPECT_THAT(cluster.endpoints("shop/outside/443"), ElementsAre("192.0.2.1:443", "192.0.2.2:443"));
  EXPECT_THAT(cluster.problems(), IsEmpty());
}

TEST_F(Translate, AUdpPortOfTheSameNumberIsPassedOver) {
  json made = service("shop/dns", {{"tcp", 53}});
  made["spec"]["ports"].insert(made["spec"]["ports"].begin(), json{{"name", "udp"}, {"port", 53}, {"protocol", "UDP"}});
  cluster << made << slice("shop/dns-1", "dns", {"10.0.0.5"}, {{"tcp", 5353}, {"udp", 5354}})
          << ingress("shop/web", {{"a.test", {"Prefix / dns:53"}}});
  EXPECT_THAT(cluster.endpoints("shop/dns/53"), ElementsAre("10.0.0.5:5353"));
}

}  // namespace
}  // namespace fairlead

#include "proxy/admin_pages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace fairlead {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

class AdminPages : public testing::Test {
 protected:
  AdminSources sources() {
    AdminSources sources;
    sources.ready = &ready_;
    sources.metrics = [] { return std::string("some_metric 1\n"); };
    sources.problems = [this] { return problems_; };
    sources.snapshot = [this] { return snapshot_; };
    return sources;
  }

  AdminAnswer get(std::string_view target) { return answer_admin(options_, sources(), target); }

  json get_json(std::string_view target) {
    const AdminAnswer answer = get(target);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.content_type, "application/json");
    return json::parse(answer.body, nullptr, false);
  }

  std::vector<std::string> paths(std::string_view target) {
    std::vector<std::string> found;
    const json page = get_json(target);
    for (const json& route : page["routes"]) {
      found.push_back(route["host"].get<std::string>() + route["path"].get<std::string>());
    }
    return found;
  }

  void publish() {
    ConfigDelta delta;
    for (const std::string name : {"b.example.com", "*.example.com", ""}) {
      auto host = std::make_shared<Host>();
      host->name = name;
      for (const std::string text : {"/", "/x"}) {
        Path path;
        path.path = text;
        Route& route = path.own_route();
        route.ns = "default";
        route.ingress = "web";
        route.service = "web";
        route.port = "80";
        route.upstream_key = text == "/" ? "default-web-80" : "default-gone-80";
        host->paths.push_back(path);
      }
      delta.hosts[name] = host;
    }
    auto upstream = std::make_shared<Upstream>();
    upstream->key = upstream->name = "default-web-80";
    upstream->endpoints = {{*IpAddress::parse("10.0.0.1"), 8080}, {*IpAddress::parse("fd00::1"), 8080}};
    delta.upstreams[upstream->key] = upstream;
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->generation = 3;
    snapshot->routes = RouteTable::empty()->with(delta);
    snapshot->published = std::chrono::system_clock::now() - std::chrono::seconds(5);
    snapshot_ = snapshot;
    ready_.published(3);
    ready_.live(0, 3);
  }

  AdminOptions options_;
  Ready ready_{2};
  std::shared_ptr<const Problems> problems_;
  std::shared_ptr<const Snapshot> snapshot_;
};

TEST_F(AdminPages, AreHealthyAlways) {
  EXPECT_EQ(get("/healthz").status, 200);
  options_.health_check_path = "/alive";
  EXPECT_EQ(get("/alive?verbose").status, 200);
  EXPECT_EQ(get("/healthz").status, 404);
}

TEST_F(AdminPages, SayWhyNotReady) {
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_EQ(get("/readyz").body, "not ready: no snapshot yet\n");
  publish();
  EXPECT_EQ(get("/readyz").body, "not ready: worker 2 of 2 serves no snapshot yet\n");
  ready_.live(1, 3);
  EXPECT_EQ(get("/readyz").status, 200);
  ready_.drain();
  EXPECT_EQ(get("/readyz").status, 503);
}

TEST_F(AdminPages, ShowMetrics) {
  EXPECT_EQ(get("/metrics").body, "some_metric 1\n");
  EXPECT_THAT(get("/metrics").content_type, HasSubstr("version=0.0.4"));
  AdminSources without = sources();
  without.metrics = nullptr;
  EXPECT_EQ(answer_admin(options_, without, "/metrics").status, 404);
}

TEST_F(AdminPages, NameThePagesWhereThereIsNone) {
  EXPECT_EQ(get("/").status, 404);
  EXPECT_THAT(get("/nothing").body, HasSubstr("/healthz /readyz /metrics /problems /routes /snapshot"));
  EXPECT_EQ(get("/%").status, 400);
}

TEST_F(AdminPages, DescribeTheSnapshot) {
  EXPECT_EQ(get_json("/snapshot")["generation"], 0);
  publish();
  const json page = get_json("/snapshot");
  EXPECT_EQ(page["generation"], 3);
  EXPECT_GE(page["age_seconds"].get<double>(), 5.0);
  EXPECT_EQ(page["published"].get<std::string>().size(), 25u);
  EXPECT_EQ(page["hosts"], 3);
  EXPECT_EQ(page["paths"], 6);
  EXPECT_EQ(page["upstreams"], 1);
  EXPECT_EQ(page["workers"], 2);
  EXPECT_EQ(page["workers_on_this_generation"], 1);
  EXPECT_EQ(page["ready"], false);
}

TEST_F(AdminPages, ListProblems) {
  EXPECT_EQ(get_json("/problems")["total"], 0);
  problems_ =
      std::make_shared<Problems>(Problems{{{"Ingress", "a", "web"}, "spec.rules[0]", "is \"wrong\"", Severity::error},
                                          {{"Secret", "b", "cert"}, "", "expired\xff", Severity::notice},
                                          {{"File", "", "x.yaml"}, "line 3", "broken", Severity::warning}});
  const json page = get_json("/problems");
  EXPECT_EQ(page["total"], 3);
  EXPECT_EQ(page["problems"][0], (json{{"severity", "error"},
                                       {"kind", "Ingress"},
                                       {"namespace", "a"},
                                       {"name", "web"},
                                       {"field", "spec.rules[0]"},
                                       {"message", "is \"wrong\""}}));
  EXPECT_EQ(page["problems"][1]["message"], "expired\xef\xbf\xbd");
  EXPECT_FALSE(page["problems"][2].contains("namespace"));
  EXPECT_EQ(get_json("/problems?namespace=b")["total"], 1);
  EXPECT_EQ(get_json("/problems?severity=warning")["problems"][0]["name"], "x.yaml");
}

TEST_F(AdminPages, ListProblemsInParts) {
  Problems many;
  for (int i = 0; i < 25; ++i) many.push_back({{"Ingress", i % 5 ? "a" : "b", std::to_string(i)}, "", "m"});
  problems_ = std::make_shared<Problems>(many);
  options_.max_listed = 8;
  std::vector<std::string> names;
  std::string next = "/problems?namespace=a&limit=100";
  for (int parts = 0; !next.empty() && parts < 10; ++parts) {
    const json page = get_json(next);
    EXPECT_EQ(page["total"], 20);
    EXPECT_LE(page["problems"].size(), 8u);
    for (const json& problem : page["problems"]) names.push_back(problem["name"]);
    next = page.value("next", "");
  }
  EXPECT_EQ(names.size(), 20u);
  EXPECT_EQ(names.back(), "24");
  EXPECT_EQ(get("/problems?limit=x").status, 400);
}

TEST_F(AdminPages, ListRoutesByHost) {
  EXPECT_EQ(get_json("/routes")["total"], 0);
  publish();
  EXPECT_THAT(paths("/routes"),
              ElementsAre("_/", "_/x", "*.example.com/", "*.example.com/x", "b.example.com/", "b.example.com/x"));
  EXPECT_THAT(paths("/routes?host=b.example.com"), ElementsAre("b.example.com/", "b.example.com/x"));
  EXPECT_THAT(paths("/routes?host=B.Example.Com:443"), ElementsAre("b.example.com/", "b.example.com/x"));
  EXPECT_THAT(paths("/routes?host=other.example.com"), ElementsAre("*.example.com/", "*.example.com/x"));
  EXPECT_THAT(paths("/routes?host=*.example.com"), ElementsAre("*.example.com/", "*.example.com/x"));
  EXPECT_THAT(paths("/routes?host=_"), ElementsAre("_/", "_/x"));
  EXPECT_THAT(paths("/routes?host=unknown.org"), ElementsAre("_/", "_/x"));
}

TEST_F(AdminPages, ListRoutesInParts) {
  publish();
  EXPECT_THAT(paths("/routes?limit=2&offset=1"), ElementsAre("_/x", "*.example.com/"));
  EXPECT_EQ(get_json("/routes?limit=2&offset=1")["next"], "/routes?offset=3&limit=2");
  EXPECT_FALSE(get_json("/routes?limit=2&offset=4").contains("next"));
  EXPECT_TRUE(get_json("/routes?offset=600")["routes"].empty());
}

TEST_F(AdminPages, SayWhereARouteLeads) {
  publish();
  const json routes = get_json("/routes?host=b.example.com")["routes"];
  EXPECT_EQ(routes[0]["upstream"]["name"], "default-web-80");
  EXPECT_EQ(routes[0]["upstream"]["endpoints"][0]["address"], "10.0.0.1:8080");
  EXPECT_EQ(routes[0]["upstream"]["endpoints"][1]["address"], "[fd00::1]:8080");
  EXPECT_EQ(routes[0]["ingress"], "web");
  EXPECT_EQ(routes[0]["match"], "prefix");
  EXPECT_EQ(routes[0]["settings"]["read_timeout_ms"], 60'000);
  EXPECT_TRUE(routes[1]["upstream"].is_null());
}

}  // namespace
}  // namespace fairlead

#include "router/route_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace fairlead {
namespace {

Path path_to(std::string path, PathType type, std::string key) {
  Path result;
  result.path = std::move(path);
  result.type = type;
  result.own_route().upstream_key = std::move(key);
  return result;
}

std::shared_ptr<const Host> host_with(std::string name, std::vector<Path> paths, bool regex = false) {
  auto host = std::make_shared<Host>();
  host->name = std::move(name);
  host->paths = std::move(paths);
  host->regex = regex;
  return host;
}

std::shared_ptr<const Upstream> upstream_at(std::string key, std::vector<std::uint16_t> ports) {
  auto upstream = std::make_shared<Upstream>();
  upstream->key = upstream->name = std::move(key);
  for (const std::uint16_t port : ports) upstream->endpoints.push_back({IpAddress::v4(0x7f000001), port});
  return upstream;
}

std::shared_ptr<const RouteTable> table_of(std::vector<std::shared_ptr<const Host>> hosts) {
  ConfigDelta delta;
  for (const auto& host : hosts) {
    delta.hosts[host->name] = host;
    for (const Path& path : host->paths) {
      const std::string& key = path.route->upstream_key;
      delta.upstreams[key] = upstream_at(key, {1});
    }
  }
  return RouteTable::empty()->with(delta);
}

std::string key_of(const RouteMatch& match) {
  return match.path->route->upstream_key;
}

TEST(RouteTable, AnEmptyTableAnswersWithAPathThatLeadsNowhere) {
  const RouteMatch match = RouteTable::empty()->match("any.host", "/x");
  ASSERT_TRUE(match.host && match.path);
  EXPECT_EQ(key_of(match), "");
  EXPECT_EQ(match.upstream, nullptr);
}

TEST(RouteTable, AHostIsMatchedExactlyThenByWildcardThenByTheCatchAll) {
  const auto table = table_of({host_with("a.foo.com", {path_to("/", PathType::prefix, "exact")}),
                               host_with("*.foo.com", {path_to("/", PathType::prefix, "wildcard")}),
                               host_with("", {path_to("/", PathType::prefix, "any")})});
  EXPECT_EQ(key_of(table->match("a.foo.com", "/")), "exact");
  EXPECT_EQ(key_of(table->match("b.foo.com", "/")), "wildcard");
  EXPECT_EQ(key_of(table->match("foo.com", "/")), "any");
  EXPECT_EQ(key_of(table->match("b.a.foo.com", "/")), "any");
  EXPECT_EQ(key_of(table->match("", "/")), "any");
}

// The key that an Upstream is found by belongs to one of them.
TEST(RouteTable, AnUpstreamIsFoundByItsKeyWhicheverHostThatLedThereIsGone) {
  for (const std::string first : {"a.com", "b.com"}) {
    auto table = table_of({host_with("a.com", {path_to("/", PathType::prefix, "u")}),
                           host_with("b.com", {path_to("/", PathType::prefix, "u")})});
    for (const std::string& name : {first, std::string(first == "a.com" ? "b.com" : "a.com")}) {
      ConfigDelta gone;
      gone.hosts[name] = nullptr;
      table = table->with(gone);
      ASSERT_NE(table->upstream("u"), nullptr) << name;
    }
    ConfigDelta gone;
    gone.upstreams["u"] = nullptr;
    EXPECT_EQ(table->with(gone)->upstream("u"), nullptr);
  }
}

TEST(RouteTable, ThereIsNoFallThroughFromAHostToAnother) {
  const auto table = table_of({host_with("a.foo.com", {path_to("/only", PathType::prefix, "exact")}),
                               host_with("*.foo.com", {path_to("/", PathType::prefix, "wildcard")})});
  EXPECT_EQ(key_of(table->match("a.foo.com", "/other")), "");
}

// The rules of Kubernetes for paths, with few and with many paths in the host (another way of matching).
TEST(PathRules, ExactIsFirstAndPrefixGoesByWholeSegments) {
  for (const int fillers : {0, 100}) {
    std::vector<Path> paths{path_to("/foo", PathType::exact, "exact-foo"), path_to("/foo", PathType::prefix, "foo"),
                            path_to("/aaa/bbb", PathType::prefix, "bbb"),  path_to("/aaa", PathType::prefix, "aaa"),
                            path_to("/slash/", PathType::prefix, "slash"), path_to("/only", PathType::exact, "only")};
    for (int i = 0; i < fillers; ++i) {
      paths.push_back(path_to("/filler" + std::to_string(i), PathType::prefix, "filler"));
      paths.push_back(path_to("/exact" + std::to_string(i), PathType::exact, "filler"));
    }
    const auto table = table_of({host_with("h", paths)});
    const std::pair<const char*, const char*> cases[] = {
        {"/foo", "exact-foo"},
        {"/foo/", "foo"},
        {"/foo/x", "foo"},
        {"/foobar", ""},
        {"/FOO", ""},
        {"/aaa/bbb", "bbb"},
        {"/aaa/bbb/c", "bbb"},
        {"/aaa/ccc", "aaa"},
        {"/aaaccc", ""},
        {"/aaa/bbbb", "aaa"},
        {"/slash", "slash"},
        {"/slash/x", "slash"},
        {"/only", "only"},
        {"/only/", ""},
        {"/", ""},
        {"/exact7", fillers ? "filler" : ""},
    };
    for (const auto& [path, key] : cases) EXPECT_EQ(key_of(table->match("h", path)), key) << path << " " << fillers;
  }
}

TEST(PathRules, ARootPrefixMatchesEverything) {
  const auto table = table_of({host_with("h", {path_to("/", PathType::prefix, "root")})});
  EXPECT_EQ(key_of(table->match("h", "/any/thing")), "root");
}

TEST(RegexHost, TheFirstPathThatMatchesAtTheStartWinsWhateverTheCase) {
  const auto table =
      table_of({host_with("h",
                          {path_to("/foo/bar/[A-Z0-9]{3}", PathType::prefix, "long"),
                           path_to("/foo/bar/bar", PathType::exact, "short"), path_to("/foo", PathType::prefix, "foo")},
                          true)});
  EXPECT_EQ(key_of(table->match("h", "/foo/bar/bar")), "long");
  EXPECT_EQ(key_of(table->match("h", "/FOOBAR")), "foo") << "there is no segment boundary in a regex host";
  EXPECT_EQ(key_of(table->match("h", "/x/foo")), "");
}

TEST(Upstreams, AnEndpointThatStaysKeepsItsState) {
  const auto first = table_of({host_with("h", {path_to("/", PathType::prefix, "k")})});
  ConfigDelta grow;
  grow.upstreams["k"] = upstream_at("k", {1, 2});
  const auto second = first->with(grow);
  const UpstreamEntry& before = *first->match("h", "/").upstream;
  const UpstreamEntry& after = *second->match("h", "/").upstream;
  ASSERT_EQ(after.endpoints.size(), 2u);
  EXPECT_EQ(after.endpoints[0], before.endpoints[0]);
  EXPECT_EQ(after.identity, before.identity);
  EXPECT_EQ(before.endpoints.size(), 1u) << "the older table is as it was";
}

std::vector<std::uint16_t> random_ports(std::minstd_rand& random) {
  std::vector<std::uint16_t> ports;
  for (std::uint16_t port = 1; port <= 40; ++port) {
    if (random() % 2 == 0) ports.push_back(port);
  }
  return ports;
}

std::map<std::uint16_t, std::shared_ptr<EndpointState>> states_by_port(const RouteTable& table) {
  std::map<std::uint16_t, std::shared_ptr<EndpointState>> states;
  for (const auto& state : table.upstream("u")->endpoints) states[state->endpoint.port] = state;
  return states;
}

TEST(Upstreams, WhateverChangesTheStatesOfAllThatStayAreKeptAndOfNoOthers) {
  std::minstd_rand random(3);
  ConfigDelta delta;
  delta.upstreams["u"] = upstream_at("u", random_ports(random));
  auto table = RouteTable::empty()->with(delta);
  for (int step = 0; step < 200; ++step) {
    const std::vector<std::uint16_t> ports = random_ports(random);
    delta.upstreams["u"] = upstream_at("u", ports);
    const auto before = states_by_port(*table);
    table = table->with(delta);
    const auto after = states_by_port(*table);
    ASSERT_EQ(after.size(), ports.size());
    std::vector<std::uint64_t> gone;
    for (const auto& [port, state] : before) {
      const auto kept = after.find(port);
      if (kept == after.end()) {
        gone.push_back(state->id);
      } else {
        ASSERT_EQ(kept->second, state) << "step " << step << ", port " << port;
      }
    }
    std::sort(gone.begin(), gone.end());
    ASSERT_EQ(table->retired_endpoints(), gone) << "step " << step;
  }
}

TEST(Upstreams, OneThatVanishesAndComesBackIsFoundByPathsThatDidNotChange) {
  const auto first = table_of({host_with("h", {path_to("/", PathType::prefix, "k")})});
  ConfigDelta gone;
  gone.upstreams["k"] = nullptr;
  const auto second = first->with(gone);
  EXPECT_EQ(second->match("h", "/").upstream, nullptr);
  EXPECT_EQ(key_of(second->match("h", "/")), "k");
  EXPECT_EQ(second->upstream_count(), 0u);
  ConfigDelta back;
  back.upstreams["k"] = upstream_at("k", {9});
  EXPECT_EQ(second->with(back)->match("h", "/").upstream->endpoints[0]->endpoint.port, 9);
}

// Enough Upstreams for several pages of the table, most of them changed in one go.
TEST(Upstreams, ALargeChangeLeavesTheOlderTableAsItWas) {
  constexpr std::uint16_t count = 1000;
  ConfigDelta all;
  std::vector<Path> paths;
  for (std::uint16_t i = 0; i < count; ++i) {
    const std::string key = "u" + std::to_string(i);
    all.upstreams[key] = upstream_at(key, {i});
    paths.push_back(path_to("/" + key, PathType::exact, key));
  }
  all.hosts["h"] = host_with("h", paths);
  const auto first = RouteTable::empty()->with(all);
  ConfigDelta change;
  for (std::uint16_t i = 0; i < count; ++i) {
    const std::string key = "u" + std::to_string(i);
    if (i % 3 == 1) change.upstreams[key] = upstream_at(key, {static_cast<std::uint16_t>(i + count)});
    if (i % 3 == 2) change.upstreams[key] = nullptr;
  }
  const auto second = first->with(change);
  for (std::uint16_t i = 0; i < count; ++i) {
    const std::string path = "/u" + std::to_string(i);
    ASSERT_EQ(first->match("h", path).upstream->endpoints[0]->endpoint.port, i);
    const UpstreamEntry* const now = second->match("h", path).upstream;
    ASSERT_EQ(now == nullptr, i % 3 == 2) << i;
    if (now) {
      ASSERT_EQ(now->endpoints[0]->endpoint.port, i % 3 == 1 ? i + count : i);
    }
  }
}

Config random_config(std::mt19937& random) {
  Config config;
  const auto below = [&](unsigned bound) { return static_cast<unsigned>(random() % bound); };
  for (unsigned h = 0; h < 4; ++h) {
    if (below(4) == 0) continue;
    std::vector<Path> paths;
    for (unsigned p = 0; p < below(4); ++p) {
      paths.push_back(path_to("/p" + std::to_string(below(3)), below(2) ? PathType::exact : PathType::prefix,
                              "u" + std::to_string(below(4))));
    }
    const std::string name = "h" + std::to_string(h);
    config.hosts[name] = host_with(name, paths);
  }
  for (unsigned u = 0; u < 4; ++u) {
    const std::string key = "u" + std::to_string(u);
    if (below(3)) config.upstreams[key] = upstream_at(key, {static_cast<std::uint16_t>(1 + below(3))});
  }
  return config;
}

TEST(RouteTable, ManySmallChangesGiveWhatOneCompileGives) {
  std::mt19937 random(42);
  std::shared_ptr<const RouteTable> table = RouteTable::empty();
  Config config;
  for (int round = 0; round < 2000; ++round) {
    const Config next = random_config(random);
    const ConfigDelta delta = diff(config, next);
    apply(config, delta);
    ASSERT_TRUE(config == next);
    table = table->with(delta);
    const auto whole = RouteTable::empty()->with(diff(Config{}, next));
    ASSERT_EQ(table->host_count(), whole->host_count());
    ASSERT_EQ(table->path_count(), whole->path_count());
    ASSERT_EQ(table->upstream_count(), whole->upstream_count());
    for (const char* host : {"h0", "h1", "h2", "h3"}) {
      for (const char* path : {"/p0", "/p1/x", "/p2"}) {
        const RouteMatch a = table->match(host, path);
        const RouteMatch b = whole->match(host, path);
        ASSERT_EQ(*a.path, *b.path) << round;
        ASSERT_EQ(a.upstream == nullptr, b.upstream == nullptr) << round;
        if (a.upstream) {
          ASSERT_EQ(*a.upstream->config, *b.upstream->config) << round;
        }
      }
    }
  }
}

}  // namespace
}  // namespace fairlead

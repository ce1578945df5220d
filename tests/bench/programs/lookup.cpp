// How long a lookup takes among a million paths: 100,000 hosts of ten paths each. "Hot" asks for the same few again and
// again, "cold" for one that has not been asked for in a while, so that it comes from memory.
#include <benchmark/benchmark.h>

#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "router/config.hpp"
#include "router/route_table.hpp"

namespace fairlead::bench {
namespace {

constexpr std::size_t hosts = 100'000;
constexpr std::size_t paths_a_host = 10;

std::string host_name(std::size_t number) {
  return "app-" + std::to_string(number) + ".bench.example.com";
}

std::shared_ptr<const Host> make_host(std::size_t number) {
  auto host = std::make_shared<Host>();
  host->name = host_name(number);
  auto route = std::make_shared<Route>();
  route->ns = "bench";
  route->ingress = "app-" + std::to_string(number);
  route->service = route->ingress;
  route->port = "80";
  route->upstream_key = "bench-app-80";
  for (std::size_t i = 0; i < paths_a_host; ++i) {
    Path path;
    path.path = "/p" + std::to_string(i);
    path.route = route;
    host->paths.push_back(std::move(path));
  }
  return host;
}

const RouteTable& table() {
  static const std::shared_ptr<const RouteTable> made = [] {
    ConfigDelta delta;
    auto upstream = std::make_shared<Upstream>();
    upstream->key = upstream->name = "bench-app-80";
    delta.upstreams.emplace(upstream->key, upstream);
    for (std::size_t i = 0; i < hosts; ++i) delta.hosts.emplace(host_name(i), make_host(i));
    return RouteTable::empty()->with(delta);
  }();
  return *made;
}

// One after the other in memory, so that reading the questions costs nothing: a proxy has just received them.
struct Questions {
  std::string text;
  std::vector<std::pair<std::string_view, std::string_view>> asked;  // host, path
};

Questions questions(std::size_t count) {
  constexpr std::size_t most = 64;  // bytes of one
  std::minstd_rand random(1);
  Questions made;
  made.text.reserve(count * most);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string host = host_name(random() % hosts);
    const std::string path = "/p" + std::to_string(random() % paths_a_host) + "/item/42";
    const char* const at = made.text.data() + made.text.size();
    made.text += host + path;
    made.asked.emplace_back(std::string_view(at, host.size()), std::string_view(at + host.size(), path.size()));
  }
  return made;
}

void lookup(benchmark::State& state) {
  const RouteTable& routes = table();
  const Questions made = questions(static_cast<std::size_t>(state.range(0)));
  std::size_t at = 0;
  for (auto _ : state) {
    const auto& [host, path] = made.asked[at];
    const RouteMatch match = routes.match(host, path);
    if (!match.upstream) state.SkipWithError("no route");
    benchmark::DoNotOptimize(match);
    if (++at == made.asked.size()) at = 0;
  }
}

BENCHMARK(lookup)->Name("hot")->Arg(100);
BENCHMARK(lookup)->Name("cold")->Arg(1'000'000);

}  // namespace
}  // namespace fairlead::bench

BENCHMARK_MAIN();

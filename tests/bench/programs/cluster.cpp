// A cluster for Fairlead to read: an API server of its own with as many objects as asked for, their endpoints, changes,
// and the time from a change to the first answer by it. Commands come as lines on standard input, answers go as lines
// of JSON to standard output:
//
//   ready                   until Fairlead is: {"listed_ms", "ready_ms" (after the list)}, both from the command
//   ingress N GAP_MS        N Ingresses added or edited, one after the other: {"ms": [...]}
//   slice N GAP_MS          N EndpointSlices changed: {"ms": [...]}
//   edits N RATE            N Ingresses edited at this rate, 0: at once; until the last is served: {"seconds",
//   "generations"} background RATE         changes all the while, half Ingresses, half EndpointSlices; 0: no more large
//   N                 a Service with N endpoints, in slices of 1,000, and a host for it: {} large-change N          N
//   times one of its endpoints changes, until every worker serves it: {"ms": [...]}
//
// With --manifests the objects are written into that folder and nothing else is done.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>
#include <thread>

#include "tests/bench/programs/api_server.hpp"
#include "tests/bench/programs/cluster_objects.hpp"
#include "tests/bench/programs/probe.hpp"

namespace fairlead::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  ClusterShape shape;
  std::uint16_t api_port = 0;
  std::uint16_t proxy_port = 0;
  std::uint16_t admin_port = 0;
  std::string first_host;  // HOST:PORT of an endpoint: an Ingress more
  std::string manifests;
};

double milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

void write_manifests(const Options& options) {
  ClusterShape shape = options.shape;
  shape.as_served = false;
  const ClusterObjects objects(shape);
  const std::filesystem::path folder(options.manifests);
  std::ofstream(folder / "class.json") << objects.ingress_class();
  for (std::size_t i = 0; i < options.shape.ingresses; ++i) {
    const std::string name = ClusterObjects::name(i);
    std::ofstream(folder / (name + ".json")) << R"({"apiVersion":"v1","kind":"List","items":[)" << objects.ingress(i)
                                             << ',' << objects.service(name) << ',' << objects.slice(i) << "]}\n";
  }
}

class Cluster {
 public:
  explicit Cluster(const Options& options)
      : options_(options),
        objects_(options.shape),
        server_(options.api_port),
        proxy_(options.proxy_port),
        admin_(options.admin_port) {
    start_telling_origin(options.shape.endpoint_port);
    server_.put("ingressclasses", "fairlead", objects_.ingress_class());
    for (std::size_t i = 0; i < options.shape.ingresses; ++i) {
      const std::string name = ClusterObjects::name(i);
      server_.put("ingresses", name, objects_.ingress(i));
      server_.put("services", name, objects_.service(name));
      server_.put("endpointslices", name + "-1", objects_.slice(i));
    }
    if (!options.first_host.empty()) add_first_host();
  }

  ~Cluster() { background(0); }

  // One line of JSON.
  std::string carry_out(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    double first = 0;
    double second = 0;
    words >> command >> first >> second;
    const auto count = static_cast<std::size_t>(first);
    if (command == "ready") return ready();
    if (command == "ingress") return series(count, second, [this](std::size_t i) { return change_ingress(i); });
    if (command == "slice") return series(count, second, [this](std::size_t) { return change_slice(); });
    if (command == "edits") return edits(count, second);
    if (command == "background") return background(first);
    if (command == "large") return large(count);
    if (command == "large-change") return series(count, 0, [this](std::size_t i) { return change_large(i); });
    return R"({"wrong":"unknown command"})";
  }

 private:
  using Changed = std::optional<Clock::duration>;  // from the event to the answer; nothing: it never came

  void add_first_host() {
    const std::size_t colon = options_.first_host.find(':');
    server_.put("ingresses", "first", objects_.plain_ingress("first", options_.first_host.substr(0, colon), "first"));
    server_.put("services", "first", objects_.service("first"));
    const auto port = static_cast<std::uint16_t>(std::stoul(options_.first_host.substr(colon + 1)));
    server_.put("endpointslices", "first-1", objects_.slice_of("first", "first-1", port, 1, 0, 1));
  }

  std::string ready() {
    const auto began = Clock::now();
    const auto ready =
        admin_.until("localhost", "/readyz", [](const Probe::Answer& answer) { return answer.status == 200; });
    if (!ready || !server_.wait_watched(std::chrono::seconds(30))) return R"({"wrong":"not ready"})";
    char text[120];
    std::snprintf(text, sizeof text, R"({"listed_ms":%.2f,"ready_ms":%.2f})", milliseconds(server_.listed_at() - began),
                  milliseconds(*ready - server_.listed_at()));
    return text;
  }

  // The changes that are timed take Ingresses with even numbers, the others those with odd ones.
  std::size_t random_even() { return random_() % (options_.shape.ingresses / 2) * 2; }
  std::size_t random_odd() { return random_even() + 1; }

  template <typename Change>
  std::string series(std::size_t count, double gap_ms, const Change& change) {
    std::string text = R"({"ms":[)";
    for (std::size_t i = 0; i < count; ++i) {
      const Changed took = change(i);
      if (!took) return R"({"wrong":"a change was not served"})";
      text += (i > 0 ? "," : "") + std::to_string(milliseconds(*took));
      std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(gap_ms));
    }
    return text + "]}";
  }

  Changed served(Clock::time_point since, const std::string& host, const std::string& path,
                 const std::string& body = "") {
    const auto right = [&](const Probe::Answer& answer) {
      return answer.status == 200 && (body.empty() || answer.body == body);
    };
    const auto at = proxy_.until(host, path, right);
    if (!at) return std::nullopt;
    return *at - since;
  }

  // In turns one that exists, and one of a new host.
  Changed change_ingress(std::size_t turn) {
    ++edit_;
    if (turn % 2 == 0) {
      const std::size_t number = random_even();
      const auto at = server_.put("ingresses", ClusterObjects::name(number), objects_.ingress(number, edit_));
      return served(at, ClusterObjects::host(number), "/v" + std::to_string(edit_));
    }
    const std::string name = "new-" + std::to_string(edit_);
    const std::string host = name + ".bench.example.com";
    const auto at = server_.put("ingresses", name, objects_.plain_ingress(name, host, ClusterObjects::name(0)));
    return served(at, host, "/");
  }

  // The endpoint of a Service moves to another address. Those with 1,000 endpoints would not show it.
  Changed change_slice() {
    std::size_t number = random_even();
    while (number + options_.shape.large_slices >= options_.shape.ingresses) number = random_even();
    ++edit_;
    const int last = 2 + static_cast<int>(edit_ % 200);
    const auto at = server_.put("endpointslices", ClusterObjects::name(number) + "-1", objects_.slice(number, last));
    return served(at, ClusterObjects::host(number), "/p0", std::to_string(last));
  }

  std::string edits(std::size_t count, double rate) {
    const auto before = generation();
    const auto began = Clock::now();
    std::size_t number = 0;
    Clock::time_point at{};
    for (std::size_t i = 0; i < count; ++i) {
      number = random_even();
      at = server_.put("ingresses", ClusterObjects::name(number), objects_.ingress(number, ++edit_));
      if (rate > 0)
        std::this_thread::sleep_until(began + std::chrono::duration<double>(static_cast<double>(i + 1) / rate));
    }
    if (!served(at, ClusterObjects::host(number), "/v" + std::to_string(edit_)))
      return R"({"wrong":"an edit was not served"})";
    char text[120];
    std::snprintf(text, sizeof text, R"({"seconds":%.3f,"generations":%lu})",
                  std::chrono::duration<double>(Clock::now() - began).count(), generation() - before);
    return text;
  }

  std::string background(double rate) {
    busy_ = false;
    if (changer_.joinable()) changer_.join();
    if (rate <= 0) return "{}";
    busy_ = true;
    changer_ = std::thread([this, rate] {
      std::minstd_rand random(7);
      auto next = Clock::now();
      for (std::uint64_t i = 1; busy_; ++i) {
        const std::size_t number = random() % (options_.shape.ingresses / 2) * 2 + 1;
        if (i % 2 == 0) {
          server_.put("ingresses", ClusterObjects::name(number), objects_.ingress(number, i));
        } else {
          server_.put("endpointslices", ClusterObjects::name(number) + "-1",
                      objects_.slice(number, 2 + static_cast<int>(i % 200)));
        }
        next += std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / rate));
        std::this_thread::sleep_until(next);
      }
    });
    return "{}";
  }

  static std::string large_slice(std::size_t number) { return "large-" + std::to_string(number); }

  std::string large(std::size_t endpoints) {
    const auto before = generation();
    for (std::size_t i = 0; i < endpoints / large_slice_endpoints; ++i) {
      server_.put("endpointslices", large_slice(i),
                  objects_.slice_of("large", large_slice(i), options_.shape.endpoint_port, large_slice_endpoints,
                                    i * large_slice_endpoints));
    }
    server_.put("services", "large", objects_.service("large"));
    const auto at =
        server_.put("ingresses", "large", objects_.plain_ingress("large", "large.bench.example.com", "large"));
    return served(at, "large.bench.example.com", "/") && generation() > before ? "{}" : R"({"wrong":"not served"})";
  }

  Changed change_large(std::size_t turn) {
    const auto before = generation();
    const int last = 2 + static_cast<int>(turn % 200);
    const auto at = server_.put(
        "endpointslices", large_slice(0),
        objects_.slice_of("large", large_slice(0), options_.shape.endpoint_port, large_slice_endpoints, 0, last));
    const auto right = [&](const Probe::Answer& answer) {
      return number_of(answer.body, "\"generation\"") > before &&
             number_of(answer.body, "\"workers_on_this_generation\"") > 0;
    };
    const auto done = admin_.until("localhost", "/snapshot", right);
    if (!done) return std::nullopt;
    return *done - at;
  }

  static std::uint64_t number_of(const std::string& json, const std::string& name) {
    const std::size_t at = json.find(name);
    return at == std::string::npos ? 0 : std::strtoull(json.c_str() + json.find(':', at) + 1, nullptr, 10);
  }

  std::uint64_t generation() { return number_of(admin_.ask("localhost", "/snapshot").body, "\"generation\""); }

  const Options options_;
  const ClusterObjects objects_;
  ApiServer server_;
  Probe proxy_;
  Probe admin_;
  std::minstd_rand random_{1};
  std::uint64_t edit_ = 1'000'000'000;  // unlike the numbers of the changes in the background
  std::atomic<bool> busy_{false};
  std::thread changer_;
};

}  // namespace
}  // namespace fairlead::bench

int main(int argc, char** argv) {
  using namespace fairlead::bench;
  Options options;
  CLI::App app("A cluster for Fairlead to read. 127.0.0.1 only.");
  app.add_option("--ingresses", options.shape.ingresses);
  app.add_option("--paths", options.shape.paths);
  app.add_option("--large-slices", options.shape.large_slices);
  app.add_option("--endpoints", options.shape.endpoints);
  app.add_option("--status-address", options.shape.status_address);
  app.add_option("--endpoint-port", options.shape.endpoint_port)->required();
  app.add_option("--api-port", options.api_port);
  app.add_option("--proxy-port", options.proxy_port);
  app.add_option("--admin-port", options.admin_port);
  app.add_option("--first-host", options.first_host, "HOST:PORT");
  app.add_option("--manifests", options.manifests);
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  if (!options.manifests.empty()) return write_manifests(options), 0;
  Cluster cluster(options);
  std::puts("{}");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    std::puts(cluster.carry_out(line).c_str());
    std::fflush(stdout);
  }
  ::_exit(0);  // threads that serve have no end of their own
}

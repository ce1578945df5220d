#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/fake_api_server.hpp"
#include "tests/support/test_proxy.hpp"
#include "watcher/watcher.hpp"

namespace fairlead {
namespace {

using namespace test;
using nlohmann::json;

// A whole Fairlead in this process: control loop, data plane, and what is written back.
class PublishedAddressTest : public testing::Test {
 protected:
  PublishedAddressTest() : origin(Origin::saying("here")) {
    server.put("ingressclasses", "", "fairlead", {{"spec", {{"controller", "fairlead.dev/ingress-controller"}}}});
    server.put("services", "shop", "web", {{"spec", {{"ports", json::array({{{"port", 80}}})}}}});
    server.put("endpointslices", "shop", "web-1",
               {{"metadata", {{"labels", {{"kubernetes.io/service-name", "web"}}}}},
                {"addressType", "IPv4"},
                {"endpoints", json::array({{{"addresses", json::array({"127.0.0.1"})}}})},
                {"ports", json::array({{{"name", ""}, {"port", origin.port()}}})}});
    proxy.options.workers = 2;
  }

  void start() {
    auto workers = Workers::start(proxy.options, proxy.log);
    ASSERT_TRUE(workers) << workers.error().message;
    proxy.workers = std::move(*workers);
    proxy.publisher = std::make_unique<Publisher>(
        proxy.log, [this](const std::shared_ptr<const Snapshot>& snapshot) { proxy.workers->publish(snapshot); });
    WatchOptions options;
    options.api.apiserver_host = server.url();
    options.report.emplace();
    options.report->elect = false;
    options.report->addresses.publish_status_address = "127.0.0.1";
    auto started = Watcher::start(
        options, proxy.log,
        [this](ConfigUpdate update) {
          proxy.publisher->update(update.generation, update.delta, std::move(update.problems));
        },
        [this] { return proxy.workers->ready().live_generation(); });
    ASSERT_TRUE(started) << started.error().message;
    watcher = std::move(*started);
  }

  void put_ingress(const std::string& name) {
    const json backend = {{"service", {{"name", "web"}, {"port", {{"number", 80}}}}}};
    const json path = {{"path", "/"}, {"pathType", "Prefix"}, {"backend", backend}};
    const json rule = {{"host", name + ".test"}, {"http", {{"paths", json::array({path})}}}};
    server.put(
        "ingresses", "shop", name,
        {{"metadata", {{"uid", name}}}, {"spec", {{"ingressClassName", "fairlead"}, {"rules", json::array({rule})}}}});
  }
  bool has_address(const std::string& name) const {
    const json object = server.object("ingresses", "shop", name);
    const json::json_pointer addresses("/status/loadBalancer/ingress");
    return object.contains(addresses) && !object.at(addresses).empty();
  }

  FakeApiServer server;
  Origin origin;
  TestProxy proxy;
  std::unique_ptr<Watcher> watcher;
};

TEST_F(PublishedAddressTest, WhoWaitsForTheAddressNeverMeetsA404) {
  start();
  for (int i = 0; i < 50; ++i) {
    const std::string name = "shop-" + std::to_string(i);
    put_ingress(name);
    ASSERT_TRUE(TestProxy::eventually([&] { return has_address(name); })) << proxy.log.text();
    for (int times = 0; times < 4; ++times) EXPECT_EQ(proxy.get(name + ".test").status, 200) << name;
  }
}

TEST_F(PublishedAddressTest, OnStoppingTheAddressIsGoneWhileRequestsAreStillServed) {
  put_ingress("shop");
  start();
  ASSERT_TRUE(TestProxy::eventually([&] { return has_address("shop"); }));
  watcher->stop_reporting();
  watcher->wait_reported(std::chrono::seconds(10));
  EXPECT_FALSE(has_address("shop"));
  EXPECT_EQ(proxy.get("shop.test").body, "here");
}

}  // namespace
}  // namespace fairlead

#include "watcher/reporter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/fake_api_server.hpp"
#include "tests/watcher/cluster.hpp"
#include "watcher/watcher.hpp"

namespace fairlead {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::FakeApiServer;
using test::SeenRequest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Verb = FakeApiServer::Verb;

// One Fairlead without its data plane.
class Replica {
 public:
  Replica(
      const std::string& pod, const std::string& address, const FakeApiServer& server,
      const std::function<void(ReportOptions&)>& change = [](ReportOptions&) {}) {
    WatchOptions options;
    options.api.apiserver_host = server.url();
    options.report.emplace();
    options.report->lease.ns = "ingress";
    options.report->lease.identity = pod;
    options.report->lease.duration = seconds(1);
    options.report->addresses.pod = {"ingress", pod};
    options.report->addresses.publish_status_address = address;
    change(*options.report);
    figures_ = options.report_figures;
    auto started = Watcher::start(
        options, log_, [this](const ConfigUpdate& update) { live_on_publish(update.generation); },
        [this] { return live.load(); });
    if (!started) throw std::runtime_error(started.error().message);
    watcher = std::move(*started);
  }

  bool leads() const { return figures().leading; }
  const ReportFigures& figures() const { return *figures_; }

  std::atomic<std::uint64_t> live{0};  // the generation that its Workers serve
  std::atomic<std::uint64_t> published{0};
  std::atomic<bool> serves_at_once{true};

 private:
  void live_on_publish(std::uint64_t generation) {
    published = generation;
    if (serves_at_once) live = generation;
  }

  NoLog log_;
  std::shared_ptr<ReportFigures> figures_;

 public:
  std::unique_ptr<Watcher> watcher;  // goes before all that it uses
};

class ReporterOfAnApiServer : public testing::Test {
 protected:
  ReporterOfAnApiServer() {
    server.put("ingressclasses", "", "fairlead", ingress_class("fairlead", "fairlead.dev/ingress-controller"));
    server.put("services", "shop", "web", service("shop/web"));
    put_pod("a");
  }

  void put_ingress(const std::string& name, const std::string& service_name = "web") {
    json object = ingress("shop/" + name, {{name + ".test", {"Prefix / " + service_name + ":80"}}});
    object["metadata"]["uid"] = "uid-" + name;
    server.put("ingresses", "shop", name, object);
  }
  void put_pod(const std::string& name, const std::string& node = "node-a") {
    server.put(
        "pods", "ingress", name,
        {{"metadata", {{"labels", {{"app", "fairlead"}, {"pod-template-hash", name}}}}},
         {"spec", {{"nodeName", node}}},
         {"status", {{"phase", "Running"}, {"conditions", json::array({{{"type", "Ready"}, {"status", "True"}}})}}}});
  }
  // "10.0.0.1, lb.test" as the Ingress's status says.
  std::string status_of(const std::string& name) const {
    return text_of(read_addresses(server.object("ingresses", "shop", name)));
  }
  bool await_status(const std::string& name, const std::string& addresses) {
    return server.wait_until([&] { return status_of(name) == addresses; });
  }
  std::string holder() const {
    const json lease = server.object("leases", "ingress", "ingress-controller-leader");
    return lease.is_null() ? "(none)" : lease.at("spec").at("holderIdentity").get<std::string>();
  }
  std::size_t status_writes() const {
    std::size_t count = 0;
    for (const SeenRequest& write : server.written()) count += write.subresource == "status" ? 1U : 0U;
    return count;
  }
  std::vector<std::string> events_of(const std::string& ingress) const {
    std::vector<std::string> events;
    for (const SeenRequest& write : server.written()) {
      if (write.plural != "events" || write.method != "POST") continue;
      const json event = json::parse(write.body);
      if (event.at("involvedObject").at("name") != ingress) continue;
      events.push_back(event.at("type").get<std::string>() + " " + event.at("reason").get<std::string>() + " " +
                       event.at("message").get<std::string>());
    }
    return events;
  }

  FakeApiServer server;
};

TEST_F(ReporterOfAnApiServer, TheAddressOfAnIngressStandsInItsStatus) {
  put_ingress("a");
  Replica replica("a", "203.0.113.1,lb.test", server);
  EXPECT_TRUE(await_status("a", "lb.test, 203.0.113.1"));
  EXPECT_EQ(holder(), "a");
  put_ingress("b");
  EXPECT_TRUE(await_status("b", "lb.test, 203.0.113.1"));
  EXPECT_EQ(status_writes(), 2U);  // that its own writes come back by the watch is no reason to write again
}

TEST_F(ReporterOfAnApiServer, AnAddressAppearsOnlyOnceEveryWorkerServesTheIngress) {
  Replica replica("a", "203.0.113.1", server);
  ASSERT_TRUE(server.wait_until([&] { return replica.leads() && replica.published > 0; }));
  replica.serves_at_once = false;
  const std::uint64_t before = replica.published;
  put_ingress("a");
  ASSERT_TRUE(server.wait_until([&] { return replica.published > before; }));
  put_ingress("b", "missing");
  // Its Event tells that the news of both has been taken in.
  ASSERT_TRUE(server.wait_until([&] { return !events_of("b").empty(); }));
  EXPECT_EQ(status_writes(), 0U);
  replica.live = replica.published.load();
  EXPECT_TRUE(await_status("a", "203.0.113.1"));
}

TEST_F(ReporterOfAnApiServer, AnAddressWaitsForTheSecretOfItsIngress) {
  Replica replica("a", "203.0.113.1", server);
  ASSERT_TRUE(server.wait_until([&] { return replica.leads() && replica.published > 0; }));
  std::atomic<bool> asked{false}, may_answer{false};
  server.always("secrets", Verb::list, [&](test::FakePeer& peer) {
    asked = true;
    while (!may_answer && !peer.hung_up()) std::this_thread::yield();
    test::answer_body(R"({"metadata": {"resourceVersion": "1"}, "items": []})")(peer);
  });
  json object = with_tls(ingress("shop/a", {{"a.test", {"Prefix / web:80"}}}), {"a.test"}, "cert");
  server.put("ingresses", "shop", "a", object);
  ASSERT_TRUE(server.wait_until([&] { return asked.load(); }));
  put_ingress("b");
  ASSERT_TRUE(await_status("b", "203.0.113.1"));
  EXPECT_EQ(status_of("a"), "none");
  may_answer = true;  // there is none: cert-manager may be waiting for the address to get one
  EXPECT_TRUE(await_status("a", "203.0.113.1"));
}

TEST_F(ReporterOfAnApiServer, IngressesOfAnotherClassAreNotTouched) {
  json theirs = ingress("shop/theirs", {{"theirs.test", {"Prefix / web:80"}}});
  theirs["spec"]["ingressClassName"] = "another";
  theirs["status"] = {{"loadBalancer", {{"ingress", to_json(published_addresses("198.51.100.9"))}}}};
  server.put("ingressclasses", "", "another", ingress_class("another", "example.com/another"));
  server.put("ingresses", "shop", "theirs", theirs);
  put_ingress("a");
  {
    Replica replica("a", "203.0.113.1", server);
    EXPECT_TRUE(await_status("a", "203.0.113.1"));
    replica.watcher->stop_reporting();
    EXPECT_TRUE(await_status("a", "none"));
  }
  EXPECT_EQ(status_of("theirs"), "198.51.100.9");
  EXPECT_EQ(status_writes(), 2U);
}

TEST_F(ReporterOfAnApiServer, ConflictsAreResolvedWithTheNextVersion) {
  put_ingress("a");
  server.once("ingresses", Verb::write, test::answer_status(409, "", "modified"));
  Replica replica("a", "203.0.113.1", server);
  EXPECT_TRUE(await_status("a", "203.0.113.1"));
}

TEST_F(ReporterOfAnApiServer, ErrorsOfTheServerAreOutlived) {
  put_ingress("a");
  server.once("leases", Verb::get, test::answer_status(500));
  server.once("leases", Verb::write, test::reset_connection());
  server.once("ingresses", Verb::write, test::answer_status(503));
  server.once("ingresses", Verb::write, test::reset_connection());
  server.once("events", Verb::write, test::answer_status(429));
  Replica replica("a", "203.0.113.1", server);
  EXPECT_TRUE(await_status("a", "203.0.113.1"));
  EXPECT_TRUE(server.wait_until([&] { return !events_of("a").empty(); }));
}

TEST_F(ReporterOfAnApiServer, TheServiceThatIsPublishedIsFollowed) {
  put_ingress("a");
  const auto with_address = [](const std::string& address) {
    return json{{"spec", {{"type", "LoadBalancer"}}},
                {"status", {{"loadBalancer", {{"ingress", to_json(published_addresses(address))}}}}}};
  };
  Replica replica("a", "", server,
                  [](ReportOptions& options) { options.addresses.publish_service = "ingress/fairlead"; });
  ASSERT_TRUE(server.wait_until([&] { return replica.leads(); }));
  server.put("services", "ingress", "fairlead", with_address("203.0.113.7"));
  EXPECT_TRUE(await_status("a", "203.0.113.7"));
  server.put("services", "ingress", "fairlead", with_address("lb.test"));
  EXPECT_TRUE(await_status("a", "lb.test"));
}

TEST_F(ReporterOfAnApiServer, OtherwiseTheNodesOfTheReplicasArePublished) {
  put_ingress("a");
  const auto node = [](const std::string& address) {
    return json{{"status", {{"addresses", json::array({{{"type", "InternalIP"}, {"address", address}}})}}}};
  };
  server.put("nodes", "", "node-a", node("10.0.0.1"));
  server.put("nodes", "", "node-b", node("10.0.0.2"));
  Replica replica("a", "", server);
  EXPECT_TRUE(await_status("a", "10.0.0.1"));
  put_pod("b", "node-b");
  EXPECT_TRUE(await_status("a", "10.0.0.1, 10.0.0.2"));
  server.remove("pods", "ingress", "b");
  EXPECT_TRUE(await_status("a", "10.0.0.1"));
}

TEST_F(ReporterOfAnApiServer, EventsTellOfSyncsAndProblemsOnce) {
  Replica replica("a", "203.0.113.1", server);
  put_ingress("a", "missing");
  ASSERT_TRUE(server.wait_until([&] { return events_of("a").size() == 2; }));
  EXPECT_THAT(events_of("a"), testing::UnorderedElementsAre("Normal Sync Scheduled for sync",
                                                            HasSubstr("Warning Rejected spec.rules")));
  put_ingress("b", "missing");
  ASSERT_TRUE(server.wait_until([&] { return events_of("b").size() == 2; }));
  EXPECT_EQ(events_of("a").size(), 2U);
}

TEST_F(ReporterOfAnApiServer, TheLastReplicaRemovesWhatItWroteAndGivesTheLeaseBack) {
  put_ingress("a");
  put_ingress("b");
  Replica replica("a", "203.0.113.1", server);
  ASSERT_TRUE(await_status("a", "203.0.113.1"));
  ASSERT_TRUE(await_status("b", "203.0.113.1"));
  replica.watcher->stop_reporting();
  replica.watcher->wait_reported(seconds(20));
  EXPECT_EQ(status_of("a"), "none");
  EXPECT_EQ(status_of("b"), "none");
  EXPECT_EQ(holder(), "");
  EXPECT_FALSE(replica.leads());
}

TEST_F(ReporterOfAnApiServer, WhileAnotherReplicaRunsTheAddressesStayOnStopping) {
  put_ingress("a");
  put_pod("b");
  Replica replica("a", "203.0.113.1", server);
  ASSERT_TRUE(await_status("a", "203.0.113.1"));
  replica.watcher->stop_reporting();
  replica.watcher->wait_reported(seconds(20));
  EXPECT_EQ(status_of("a"), "203.0.113.1");
  EXPECT_EQ(holder(), "");
}

TEST_F(ReporterOfAnApiServer, AThousandIngressesArePublished) {
  constexpr int count = 1'000;
  for (int i = 0; i < count; ++i) put_ingress("i-" + std::to_string(i));
  Replica replica("a", "203.0.113.1", server, [](ReportOptions& options) {
    options.status.writes_per_second = 10'000;
    options.status.burst = 10'000;
    options.sync_events = false;
  });
  EXPECT_TRUE(server.wait_until([&] { return replica.figures().status_written == count; }));
  EXPECT_EQ(status_writes(), static_cast<std::size_t>(count));
  EXPECT_EQ(replica.figures().status_pending, 0U);
  for (int i = 0; i < count; ++i) EXPECT_EQ(status_of("i-" + std::to_string(i)), "203.0.113.1");
}

// Who held the Lease when each status was written. A replica is told by the address that it publishes.
std::set<std::string> writers_that_did_not_lead(const std::vector<SeenRequest>& written) {
  std::set<std::string> wrong;
  std::string leader;
  for (const SeenRequest& write : written) {
    const json body = json::parse(write.body);
    if (write.plural == "leases") leader = body.at("spec").at("holderIdentity");
    if (write.subresource != "status") continue;
    const json& addresses = body.at("status").at("loadBalancer").at("ingress");
    const std::string writer = addresses.at(0).at("hostname");
    if (writer != leader + ".test") wrong.insert(writer + " while " + leader + " led");
  }
  return wrong;
}

TEST_F(ReporterOfAnApiServer, OfThreeReplicasThatAreKilledInTurnOneAloneEverWrites) {
  std::vector<std::unique_ptr<Replica>> replicas;
  for (const std::string name : {"a", "b", "c"}) {
    put_pod(name);
    replicas.push_back(std::make_unique<Replica>(name, name + ".test", server, [](ReportOptions& options) {
      options.lease.duration = seconds(2);  // a busy machine may stop a thread for a while
    }));
  }
  for (int round = 0; round < 3; ++round) {
    const std::string ingress_name = "round-" + std::to_string(round);
    put_ingress(ingress_name);
    ASSERT_TRUE(server.wait_until([&] { return status_of(ingress_name) != "none"; }));
    const auto leads = [](const std::unique_ptr<Replica>& replica) { return replica->leads(); };
    auto leader = replicas.end();
    ASSERT_TRUE(server.wait_until([&] {
      leader = std::find_if(replicas.begin(), replicas.end(), leads);
      return leader != replicas.end();
    }));
    replicas.erase(leader);  // without a word
  }
  std::set<std::string> holders;
  for (const SeenRequest& write : server.written()) {
    if (write.plural == "leases") holders.insert(json::parse(write.body).at("spec").at("holderIdentity"));
  }
  EXPECT_THAT(holders, ElementsAre("a", "b", "c"));
  EXPECT_THAT(writers_that_did_not_lead(server.written()), IsEmpty());
}

TEST_F(ReporterOfAnApiServer, AReplicaThatStopsHandsOverAtOnce) {
  put_pod("b");
  auto first = std::make_unique<Replica>("a", "a.test", server,
                                         [](ReportOptions& options) { options.lease.duration = seconds(30); });
  ASSERT_TRUE(server.wait_until([&] { return first->leads(); }));
  Replica second("b", "b.test", server);
  ASSERT_TRUE(server.wait_until([&] { return server.count("leases", Verb::get) >= 2; }));
  put_ingress("x");
  ASSERT_TRUE(await_status("x", "a.test"));
  first->watcher->stop_reporting();
  EXPECT_TRUE(await_status("x", "b.test"));  // long before 30 s
  EXPECT_THAT(writers_that_did_not_lead(server.written()), IsEmpty());
}

}  // namespace
}  // namespace fairlead

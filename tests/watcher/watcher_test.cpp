#include "watcher/watcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "tests/support/fake_api_server.hpp"
#include "tests/support/fake_dns_server.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/watcher/cluster.hpp"

namespace fairlead {
namespace {

using test::FakeApiServer;
using test::FakeDnsServer;
using test::TemporaryFolder;
using testing::HasSubstr;

// What a Watcher published, added up.
class Published {
 public:
  Watcher::Publish sink() {
    return [this](const ConfigUpdate& update) {
      {
        const std::lock_guard lock(mutex_);
        apply(config_, update.delta);
        last_delta_ = update.delta;
        generations_.push_back(update.generation);
        problems_ = texts_of(*update.problems);
      }
      heard_.notify_all();
    };
  }
  bool await(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return heard_.wait_for(lock, std::chrono::seconds(10), condition);
  }
  bool serves(const std::string& host) {
    return await([&] { return config_.hosts.contains(host); });
  }
  bool forgets(const std::string& host) {
    return await([&] { return !config_.hosts.contains(host); });
  }
  std::vector<std::uint64_t> generations() {
    const std::lock_guard lock(mutex_);
    return generations_;
  }
  // "192.0.2.1:80 192.0.2.2:80"
  bool leads(const std::string& upstream_key, const std::string& endpoints) {
    return await([&] {
      const auto found = config_.upstreams.find(upstream_key);
      if (found == config_.upstreams.end()) return false;
      std::string text;
      for (const Endpoint& endpoint : found->second->endpoints) {
        text += (text.empty() ? "" : " ") + endpoint.address.to_string() + ":" + std::to_string(endpoint.port);
      }
      return text == endpoints;
    });
  }
  ConfigDelta last_delta() const {
    const std::lock_guard lock(mutex_);
    return last_delta_;
  }
  bool tells(const std::string& text) {
    return await([&] {
      return std::any_of(problems_.begin(), problems_.end(),
                         [&](const std::string& problem) { return problem.find(text) != std::string::npos; });
    });
  }
  Config config() const {
    const std::lock_guard lock(mutex_);
    return config_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable heard_;
  Config config_;
  ConfigDelta last_delta_;
  std::vector<std::uint64_t> generations_;
  std::vector<std::string> problems_;
};

json manifest(json object, const std::string& api_version) {
  object["apiVersion"] = api_version;
  return object;
}

json web_ingress(const std::string& host) {
  return manifest(ingress("shop/" + host, {{host, {"Prefix / web:80"}}}), "networking.k8s.io/v1");
}

class WatcherOfAFolder : public testing::Test {
 protected:
  WatcherOfAFolder() {
    options.manifests = folder.path();
    folder.write("class.json",
                 manifest(ingress_class("fairlead", "fairlead.dev/ingress-controller"), "networking.k8s.io/v1").dump());
  }
  void start() {
    auto started = Watcher::start(options, log, published.sink());
    ASSERT_TRUE(started) << started.error().message;
    watcher = std::move(*started);
  }

  TemporaryFolder folder;
  NoLog log;
  Published published;
  WatchOptions options;
  std::unique_ptr<Watcher> watcher;
};

TEST_F(WatcherOfAFolder, PublishesEverythingAtOnceAndThenEachChange) {
  folder.write("a.json", web_ingress("a.test").dump());
  folder.write("b.json", web_ingress("b.test").dump());
  start();
  ASSERT_TRUE(published.serves("a.test"));
  EXPECT_TRUE(published.config().hosts.contains("b.test"));
  EXPECT_THAT(published.generations(), testing::ElementsAre(1));
  folder.write("c.json", web_ingress("c.test").dump());
  EXPECT_TRUE(published.serves("c.test"));
  folder.remove("a.json");
  EXPECT_TRUE(published.forgets("a.test"));
  EXPECT_TRUE(published.config().hosts.contains("b.test"));
}

TEST_F(WatcherOfAFolder, TellsTheProblemsOfObjectsAndFiles) {
  folder.write("a.json", web_ingress("a.test").dump());
  folder.write("b.yaml", "kind: [");
  start();
  EXPECT_TRUE(published.tells("Ingress shop/a.test spec.rules[0].http.paths[0].backend.service"));
  EXPECT_TRUE(published.tells("File b.yaml"));
}

TEST_F(WatcherOfAFolder, AnEmptyFolderIsSyncedToo) {
  folder.remove("class.json");
  start();
  EXPECT_TRUE(published.serves(""));
}

class WatcherOfExternalNames : public WatcherOfAFolder {
 protected:
  WatcherOfExternalNames() {
    options.names.servers = dns.address();
    options.names.limits.min_ttl = options.names.limits.negative_ttl = std::chrono::milliseconds(5);
    folder.write("a.json", web_ingress("a.test").dump());
    lead_to("x.example.org");
  }
  void lead_to(const std::string& name) {
    folder.replace("web.json", manifest(external_service("shop/web", name), "v1").dump());
  }

  FakeDnsServer dns;
};

TEST_F(WatcherOfExternalNames, PublishesFirstWhenTheirNamesAreResolved) {
  dns.put("x.example.org", {"192.0.2.2", "192.0.2.1"});
  start();
  ASSERT_TRUE(published.leads("shop/web/80", "192.0.2.1:80 192.0.2.2:80"));
  EXPECT_EQ(published.generations().size(), 1u);
}

TEST_F(WatcherOfExternalNames, AnotherAnswerReplacesOneUpstreamAndNothingElse) {
  dns.put("x.example.org", {"192.0.2.1"}, 0);
  start();
  ASSERT_TRUE(published.leads("shop/web/80", "192.0.2.1:80"));
  dns.put("x.example.org", {"192.0.2.9"}, 0);
  ASSERT_TRUE(published.leads("shop/web/80", "192.0.2.9:80"));
  const ConfigDelta delta = published.last_delta();
  EXPECT_EQ(delta.upstreams.size(), 1u);
  EXPECT_TRUE(delta.hosts.empty());
  EXPECT_TRUE(delta.tls_hosts.empty());
}

TEST_F(WatcherOfExternalNames, ASilentDnsServerDelaysTheFirstUpdateOnlySoLong) {
  dns.suffer(FakeDnsServer::Fault::silent);
  options.name_patience = options.names.patience = std::chrono::milliseconds(50);
  start();
  ASSERT_TRUE(published.serves("a.test"));
  EXPECT_TRUE(published.leads("shop/web/80", ""));
  EXPECT_TRUE(published.tells("Service shop/web leads to x.example.org, which is not resolved yet"));
  EXPECT_TRUE(published.tells("x.example.org, which cannot be resolved: ")) << "once the questions have timed out";
}

TEST_F(WatcherOfExternalNames, AServiceThatLeadsElsewhereIsFollowed) {
  dns.put("x.example.org", {"192.0.2.1"}, 0);
  dns.put("y.example.org", {"2001:db8::1"}, 0);
  start();
  ASSERT_TRUE(published.leads("shop/web/80", "192.0.2.1:80"));
  lead_to("Y.example.org.");
  ASSERT_TRUE(published.leads("shop/web/80", "2001:db8::1:80"));
  lead_to("198.51.100.1");
  ASSERT_TRUE(published.leads("shop/web/80", "198.51.100.1:80"));
  lead_to("x.example.org");
  ASSERT_TRUE(published.leads("shop/web/80", "192.0.2.1:80"));
}

TEST_F(WatcherOfExternalNames, NamesThatNobodyLeadsToAreNotAskedFor) {
  dns.put("x.example.org", {"192.0.2.1"}, 0);
  folder.write("other.json", manifest(external_service("shop/other", "other.example.org"), "v1").dump());
  start();
  ASSERT_TRUE(published.leads("shop/web/80", "192.0.2.1:80"));
  folder.remove("a.json");
  ASSERT_TRUE(published.forgets("a.test"));
  folder.write("b.json", web_ingress("b.test").dump());
  ASSERT_TRUE(published.leads("shop/web/80", "192.0.2.1:80"));
  EXPECT_THAT(dns.questions(), testing::Not(testing::Contains(HasSubstr("other"))));
}

TEST_F(WatcherOfExternalNames, NobodyIsAskedWhenTheyAreSwitchedOff) {
  options.translate.external_names = false;
  dns.put("x.example.org", {"192.0.2.1"});
  start();
  ASSERT_TRUE(published.tells("ExternalName, which --disable-svc-external-name forbids"));
  EXPECT_TRUE(dns.questions().empty());
}

class WatcherOfAnApiServer : public testing::Test {
 protected:
  void SetUp() override {
    folder.write("config",
                 "apiVersion: v1\nkind: Config\ncurrent-context: it\ncontexts: [{name: it, context: {cluster: it, "
                 "user: me}}]\nusers: [{name: me, user: {token: abc}}]\nclusters: [{name: it, cluster: {server: '" +
                     server.url() + "'}}]\n");
    options.api.kubeconfig = folder / "config";
    server.put("ingressclasses", "", "fairlead", {{"spec", {{"controller", "fairlead.dev/ingress-controller"}}}});
  }
  void put_ingress(const std::string& host, const std::string& secret = "") {
    json made = web_ingress(host);
    if (!secret.empty()) made = with_tls(made, {host}, secret);
    server.put("ingresses", "shop", host, {{"spec", made["spec"]}});
  }
  void start() {
    auto started = Watcher::start(options, log, published.sink());
    ASSERT_TRUE(started) << started.error().message;
    watcher = std::move(*started);
  }

  FakeApiServer server;
  TemporaryFolder folder;
  NoLog log;
  Published published;
  WatchOptions options;
  std::unique_ptr<Watcher> watcher;
};

TEST_F(WatcherOfAnApiServer, PublishesNothingBeforeEveryKindWasHeard) {
  put_ingress("a.test");
  server.always("endpointslices", FakeApiServer::Verb::list, test::answer_status(503));
  start();
  ASSERT_TRUE(server.wait_for_requests("endpointslices", FakeApiServer::Verb::list, 2));
  ASSERT_TRUE(server.wait_for_requests("ingresses", FakeApiServer::Verb::watch, 1));
  EXPECT_TRUE(published.generations().empty());
  server.calm("endpointslices", FakeApiServer::Verb::list);
  ASSERT_TRUE(published.serves("a.test"));
  EXPECT_EQ(published.generations().front(), 1u);
}

TEST_F(WatcherOfAnApiServer, WaitsForTheSecretsThatAreReferencedAndReadsNoOthers) {
  put_ingress("a.test", "cert");
  server.put("secrets", "shop", "cert", tls_secret("shop/cert"));
  server.put("secrets", "shop", "other", tls_secret("shop/other"));
  start();
  ASSERT_TRUE(published.serves("a.test"));
  EXPECT_EQ(published.generations().front(), 1u);
  ASSERT_TRUE(published.config().tls_hosts.contains("a.test"));
  EXPECT_EQ(published.config().tls_hosts.at("a.test")->candidates.size(), 1u);
  for (const test::SeenRequest& request : server.requests()) {
    if (request.plural != "secrets") continue;
    EXPECT_EQ(request.ns, "shop");
    EXPECT_EQ(request.query.at("fieldSelector"), "metadata.name=cert");
  }
}

TEST_F(WatcherOfAnApiServer, AServerThatGoesAwayLeavesEverythingServedAndCatchesUpWhenItIsBack) {
  put_ingress("a.test");
  start();
  ASSERT_TRUE(published.serves("a.test"));
  server.stop();
  ASSERT_TRUE(published.tells("Source"));
  EXPECT_TRUE(published.config().hosts.contains("a.test"));
  server.remove("ingresses", "shop", "a.test");
  put_ingress("b.test");
  server.start();
  ASSERT_TRUE(published.serves("b.test"));
  EXPECT_TRUE(published.forgets("a.test"));
}

TEST_F(WatcherOfAnApiServer, FollowsTheHintsForTheZoneOfItsOwnNode) {
  server.put("pods", "ingress", "fairlead-1", {{"spec", {{"nodeName", "n1"}}}});
  json node = {{"metadata", {{"labels", {{"topology.kubernetes.io/zone", "z1"}}}}}};
  server.put("nodes", "", "n1", node);
  put_ingress("a.test");
  server.put("services", "shop", "web", {{"spec", service("shop/web")["spec"]}});
  json zoned = slice("shop/web-1", "web", {"10.0.0.1", "10.0.0.2"});
  zoned["endpoints"][0]["hints"]["forZones"] = {{{"name", "z1"}}};
  zoned["endpoints"][1]["hints"]["forZones"] = {{{"name", "z2"}}};
  server.put("endpointslices", "shop", "web-1", zoned);
  options.translate.topology_hints = true;
  options.pod = {"ingress", "fairlead-1"};
  start();
  EXPECT_TRUE(published.leads("shop/web/80", "10.0.0.1:8080"));
}

TEST_F(WatcherOfAnApiServer, UsesEveryZoneWhenItsOwnIsNotKnown) {
  put_ingress("a.test");
  server.put("services", "shop", "web", {{"spec", service("shop/web")["spec"]}});
  json zoned = slice("shop/web-1", "web", {"10.0.0.1", "10.0.0.2"});
  for (json& endpoint : zoned["endpoints"]) endpoint["hints"]["forZones"] = {{{"name", "z1"}}};
  server.put("endpointslices", "shop", "web-1", zoned);
  options.translate.topology_hints = true;
  options.pod = {"ingress", "gone"};
  start();
  EXPECT_TRUE(published.leads("shop/web/80", "10.0.0.1:8080 10.0.0.2:8080"));
}

TEST(WatcherStart, FailsWhenTheSourceCannotBeUsedAtAll) {
  NoLog log;
  WatchOptions options;
  options.manifests = "/nonexistent/folder";
  auto no_folder = Watcher::start(options, log, [](ConfigUpdate) {});
  ASSERT_FALSE(no_folder);
  EXPECT_THAT(no_folder.error().message, HasSubstr("/nonexistent/folder"));
  options.manifests.reset();
  options.api.kubeconfig = "/nonexistent/kubeconfig";
  auto no_kubeconfig = Watcher::start(options, log, [](ConfigUpdate) {});
  ASSERT_FALSE(no_kubeconfig);
  EXPECT_THAT(no_kubeconfig.error().message, HasSubstr("/nonexistent/kubeconfig"));
}

}  // namespace
}  // namespace fairlead

#include <atomic>
#include <set>
#include <vector>

#include "tests/watcher/api_source_fixture.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;

struct ApiSourceSecrets : ApiSourceTest {
  ApiSourceSecrets() {
    server.put("secrets", "shop", "cert", {{"type", "kubernetes.io/tls"}});
    server.put("secrets", "shop", "password");
    server.put("secrets", "blog", "cert");
  }
  // These and no others, from now on.
  void want(const std::set<ObjectName>& names) {
    std::vector<SecretWant> wants;
    for (const ObjectName& name : wanted_) {
      if (!names.contains(name)) wants.push_back({name, false});
    }
    for (const ObjectName& name : names) {
      if (!wanted_.contains(name)) wants.push_back({name, true});
    }
    wanted_ = names;
    source->want_secrets(std::move(wants));
  }
  bool was(const std::string& what, std::size_t times = 1) const {
    return eventually([&] { return heard.count(Kind::secret, what) >= times; });
  }

 private:
  std::set<ObjectName> wanted_;
};

TEST_F(ApiSourceSecrets, AreNotReadUntilTheyAreWanted) {
  listen();
  ASSERT_TRUE(server.wait_for_requests("services", Verb::watch, 1));
  EXPECT_EQ(server.count("secrets", Verb::list), 0U);
}

TEST_F(ApiSourceSecrets, AreReadByName) {
  listen();
  want({{"shop", "cert"}});
  ASSERT_TRUE(was("put shop/cert"));
  ASSERT_TRUE(server.wait_for_requests("secrets", Verb::watch, 1));
  EXPECT_THAT(heard.names(Kind::secret), ElementsAre("shop/cert"));
  for (const test::SeenRequest& request : server.requests()) {
    if (request.plural != "secrets") continue;
    EXPECT_EQ(request.path, "/api/v1/namespaces/shop/secrets");
    EXPECT_EQ(request.query.at("fieldSelector"), "metadata.name=cert");
  }
}

TEST_F(ApiSourceSecrets, ThatDoNotExistAreAnsweredAndHeardWhenTheyAppear) {
  listen();
  want({{"shop", "missing"}});
  ASSERT_TRUE(was("remove shop/missing"));
  server.put("secrets", "shop", "missing");
  EXPECT_TRUE(was("put shop/missing"));
}

TEST_F(ApiSourceSecrets, AreHeardWhenTheyChangeAndGo) {
  listen();
  want({{"shop", "cert"}});
  ASSERT_TRUE(was("put shop/cert"));
  server.put("secrets", "shop", "cert", {{"type", "renewed"}});
  ASSERT_TRUE(was("put shop/cert", 2));
  EXPECT_EQ(heard.object(Kind::secret, "shop/cert").value("type", ""), "renewed");
  server.remove("secrets", "shop", "cert");
  EXPECT_TRUE(was("remove shop/cert"));
}

TEST_F(ApiSourceSecrets, OfOneNameInTwoNamespacesAreTwo) {
  listen();
  want({{"shop", "cert"}, {"blog", "cert"}});
  ASSERT_TRUE(was("put shop/cert"));
  ASSERT_TRUE(was("put blog/cert"));
  want({{"blog", "cert"}});
  server.put("secrets", "blog", "cert", {{"type", "renewed"}});
  EXPECT_TRUE(was("put blog/cert", 2));
}

TEST_F(ApiSourceSecrets, ThatAreNotWantedAnyMoreAreForgotten) {
  std::atomic<bool> closed = false;
  server.once("secrets", Verb::watch, [&](test::FakePeer& peer) {
    peer.head(200);
    peer.await_closed();
    closed = true;
  });
  listen();
  want({{"shop", "cert"}});
  ASSERT_TRUE(was("put shop/cert"));
  ASSERT_TRUE(server.wait_for_requests("secrets", Verb::watch, 1));
  want({});
  ASSERT_TRUE(eventually([&] { return closed.load(); }));

  server.put("secrets", "shop", "cert", {{"type", "renewed"}});
  want({{"blog", "cert"}});
  ASSERT_TRUE(was("put blog/cert"));
  EXPECT_EQ(heard.count(Kind::secret, "put shop/cert"), 1U);

  want({{"blog", "cert"}, {"shop", "cert"}});
  ASSERT_TRUE(was("put shop/cert", 2));
  EXPECT_EQ(heard.object(Kind::secret, "shop/cert").value("type", ""), "renewed");
  EXPECT_EQ(heard.count(Kind::secret, "put blog/cert"), 1U);
}

TEST_F(ApiSourceSecrets, ThatAreDroppedAndWantedAgainAreAnsweredAgain) {
  listen();
  want({{"shop", "cert"}});
  ASSERT_TRUE(was("put shop/cert"));
  source->want_secrets({{{"shop", "cert"}, false}, {{"shop", "cert"}, true}});
  EXPECT_TRUE(was("put shop/cert", 2));
}

TEST_F(ApiSourceSecrets, ThatMayNotBeReadAreAnsweredSoThatNobodyWaits) {
  server.always("secrets", Verb::list, test::answer_status(403, "", "may not list"));
  listen();
  want({{"shop", "cert"}});
  ASSERT_TRUE(was("remove shop/cert"));
  EXPECT_TRUE(eventually([&] { return heard.complained("grant list and watch on secrets"); }));
  server.calm("secrets", Verb::list);
  EXPECT_TRUE(was("put shop/cert"));
}

TEST_F(ApiSourceSecrets, AreKeptWhileTheServerIsAway) {
  listen();
  want({{"shop", "cert"}});
  ASSERT_TRUE(was("put shop/cert"));
  server.stop();
  ASSERT_TRUE(eventually([&] { return heard.problems().size() == 5; }));
  server.forget_history();
  server.start();
  ASSERT_TRUE(was("put shop/cert", 2));
  EXPECT_EQ(heard.count(Kind::secret, "remove shop/cert"), 0U);
}

TEST_F(ApiSourceSecrets, AreAllAnsweredHoweverMany) {
  std::set<ObjectName> wanted;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "cert-" + std::to_string(i);
    if (i % 2 == 0) server.put("secrets", "shop", name);
    wanted.insert({"shop", name});
  }
  listen();
  want(wanted);
  for (const ObjectName& name : wanted) {
    const bool even = (name.name.back() - '0') % 2 == 0;
    EXPECT_TRUE(was((even ? "put shop/" : "remove shop/") + name.name)) << name.name;
  }
}

}  // namespace
}  // namespace fairlead

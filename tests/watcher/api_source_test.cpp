#include <array>
#include <atomic>
#include <ctime>
#include <map>
#include <thread>

#include "tests/watcher/api_source_fixture.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct ApiSource : ApiSourceTest {};

TEST_F(ApiSource, ListsInPagesAndReplacesAKindAtOnce) {
  for (const char* name : {"c", "d", "e"}) server.put("ingresses", "shop", name);
  server.serve_pages_of(2);
  listen();
  EXPECT_THAT(heard.names(Kind::ingress), SizeIs(5));
  EXPECT_EQ(server.count("ingresses", Verb::list), 3U);
  EXPECT_EQ(heard.count(Kind::ingress, "replace"), 1U);
}

TEST_F(ApiSource, AnnouncesAKindThatHasNoObjects) {
  listen();
  EXPECT_EQ(heard.count(Kind::service, "replace"), 1U);
  EXPECT_THAT(heard.names(Kind::service), IsEmpty());
}

TEST_F(ApiSource, ListsFromTheFirstPageWhenTheContinueTokenIsGone) {
  server.once("ingresses", Verb::list,
              test::answer_body(R"({"metadata": {"resourceVersion": "1", "continue": "forgotten"},
                                    "items": [{"metadata": {"namespace": "shop", "name": "ghost"}}]})"));
  listen();
  EXPECT_THAT(heard.names(Kind::ingress), ElementsAre("shop/a", "shop/b"));
  EXPECT_EQ(server.count("ingresses", Verb::list), 3U);
  EXPECT_EQ(heard.count(Kind::ingress, "replace"), 1U);
}

TEST_F(ApiSource, HearsWhatIsCreatedChangedAndDeleted) {
  listen();
  server.put("ingresses", "shop", "c");
  EXPECT_TRUE(ingress_is_heard("shop/c"));
  server.put("ingresses", "shop", "c", {{"spec", {{"ingressClassName", "other"}}}});
  EXPECT_TRUE(eventually([&] { return heard.object(Kind::ingress, "shop/c").contains("spec"); }));
  server.remove("ingresses", "shop", "a");
  EXPECT_TRUE(eventually([&] { return !heard.knows(Kind::ingress, "shop/a"); }));
  EXPECT_EQ(server.count("ingresses", Verb::list), 1U);
}

TEST_F(ApiSource, WatchesWithBookmarksAndGoesOnFromThem) {
  server.once("ingresses", Verb::watch, [](test::FakePeer& peer) {
    peer.head(200);
    peer.chunk("{\"type\": \"BOOKMARK\", \"object\": {\"metadata\": {\"resourceVersion\": \"4711\"}}}\n");
    peer.finish();
  });
  listen();
  ASSERT_TRUE(server.wait_for_requests("ingresses", Verb::watch, 2));
  const test::SeenRequest second = last("ingresses", true);
  EXPECT_EQ(second.query.at("resourceVersion"), "4711");
  EXPECT_EQ(second.query.at("allowWatchBookmarks"), "true");
  EXPECT_EQ(server.count("ingresses", Verb::list), 1U);
}

TEST_F(ApiSource, ListsAgainWhenTheServerHasForgottenItsVersionAndNeverEmptiesAKind) {
  listen();
  server.stop();
  server.remove("ingresses", "shop", "b");
  server.put("ingresses", "shop", "c");
  server.forget_history();
  server.start();
  ASSERT_TRUE(ingress_is_heard("shop/c"));
  EXPECT_THAT(heard.names(Kind::ingress), ElementsAre("shop/a", "shop/c"));
  EXPECT_EQ(heard.count(Kind::ingress, "replace"), 2U);
  EXPECT_EQ(heard.count(Kind::ingress, "remove shop/b"), 0U);
  EXPECT_EQ(heard.fewest(Kind::ingress), 2U);
}

TEST_F(ApiSource, ListsAgainWhenAWatchIsRefusedWithGone) {
  server.once("ingresses", Verb::watch, test::answer_status(410));
  listen();
  ASSERT_TRUE(server.wait_for_requests("ingresses", Verb::watch, 2));
  EXPECT_EQ(server.count("ingresses", Verb::list), 2U);
  EXPECT_EQ(heard.fewest(Kind::ingress), 2U);
}

TEST_F(ApiSource, LosesNothingWhenTheStreamIsCutInTheMiddleOfALine) {
  server.once("ingresses", Verb::watch, [](test::FakePeer& peer) {
    peer.head(200);
    peer.chunk(ingress_event("ADDED", "whole", 4711) + ingress_event("ADDED", "half", 4712).substr(0, 40));
  });
  listen();
  ASSERT_TRUE(server.wait_for_requests("ingresses", Verb::watch, 2));
  EXPECT_EQ(last("ingresses", true).query.at("resourceVersion"), "4711");
  EXPECT_TRUE(eventually([&] { return heard.knows(Kind::ingress, "shop/whole"); }));
  EXPECT_FALSE(heard.knows(Kind::ingress, "shop/half"));
}

TEST_F(ApiSource, JoinsALineThatComesInPieces) {
  server.once("ingresses", Verb::watch, [](test::FakePeer& peer) {
    const std::string line = ingress_event("ADDED", "slow", 4711) + ingress_event("DELETED", "a", 4712);
    peer.head(200);
    for (const char c : line) peer.chunk(std::string(1, c));
    peer.await_closed();
  });
  listen();
  EXPECT_TRUE(ingress_is_heard("shop/slow"));
  EXPECT_TRUE(eventually([&] { return !heard.knows(Kind::ingress, "shop/a"); }));
}

TEST_F(ApiSource, GivesUpALineThatIsTooLongAndListsAgain) {
  limits.max_event_bytes = 4096;
  server.once("ingresses", Verb::watch, [](test::FakePeer& peer) {
    peer.head(200);
    while (!peer.hung_up() && peer.chunk(std::string(1000, 'x'))) {
    }
  });
  listen();
  EXPECT_TRUE(server.wait_for_requests("ingresses", Verb::list, 2));
  EXPECT_TRUE(eventually([&] { return heard.complained("is longer than 4096 bytes"); }));
  EXPECT_TRUE(eventually([&] { return heard.problems().empty(); }));
  EXPECT_EQ(heard.fewest(Kind::ingress), 2U);
}

TEST_F(ApiSource, SurvivesAnswersThatMakeNoSense) {
  for (const char* garbage : {"<html>proxy error</html>", "", "[]", "{\"items\": 7}", "{\"metadata\": null}"}) {
    server.once("ingresses", Verb::list, test::answer_body(garbage));
  }
  server.once("ingresses", Verb::list, [](test::FakePeer& peer) { peer.send("SSH-2.0-OpenSSH_9.2\r\n"); });
  server.once("ingresses", Verb::watch, [](test::FakePeer& peer) {
    peer.head(200);
    peer.chunk("{\"type\": \"ADDED\", \"object\": {{{\n");
    peer.await_closed();
  });
  listen();
  EXPECT_TRUE(server.wait_for_requests("ingresses", Verb::watch, 2));
  EXPECT_TRUE(heard.complained("makes no sense"));
  EXPECT_THAT(heard.names(Kind::ingress), ElementsAre("shop/a", "shop/b"));
  EXPECT_EQ(heard.fewest(Kind::ingress), 2U);
}

TEST_F(ApiSource, WaitsAsLongAsABusyServerAsks) {
  server.once("ingresses", Verb::list, test::answer_status(429, "Retry-After: 1\r\n", "too many requests"));
  const auto begin = std::chrono::steady_clock::now();
  listen();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  EXPECT_TRUE(heard.complained("is busy: HTTP 429: too many requests"));
}

TEST_F(ApiSource, TakesADateForWhenToAskAgain) {
  const std::time_t soon = std::time(nullptr) + 2;
  std::tm utc{};
  ::gmtime_r(&soon, &utc);
  std::array<char, 40> date{};
  (void)std::strftime(date.data(), date.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  server.once("ingresses", Verb::list, test::answer_status(429, std::string("Retry-After: ") + date.data() + "\r\n"));
  const auto begin = std::chrono::steady_clock::now();
  listen();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(900));
}

TEST_F(ApiSource, BacksOffAsUsualFromABusyServerThatTalksNonsense) {
  for (const char* nonsense : {"soon", "-5", "Tue, 99 Foo", ""}) {
    server.once("ingresses", Verb::list, test::answer_status(429, "Retry-After: " + std::string(nonsense) + "\r\n"));
  }
  listen();
  EXPECT_EQ(server.count("ingresses", Verb::list), 5U);
}

TEST_F(ApiSource, TriesAgainUntilAServerThatFailsRecovers) {
  server.always("ingresses", Verb::list, test::answer_status(500, "", "etcd has no leader"));
  start();
  ASSERT_TRUE(server.wait_for_requests("ingresses", Verb::list, 4));
  EXPECT_TRUE(eventually([&] { return heard.complained("refuses: HTTP 500: etcd has no leader"); }));
  EXPECT_FALSE(heard.synced());
  server.calm("ingresses", Verb::list);
  EXPECT_TRUE(eventually([&] { return heard.synced() && heard.problems().empty(); }));
}

TEST_F(ApiSource, FindsAServerThatWasRestarted) {
  listen();
  server.stop();
  EXPECT_TRUE(eventually([&] { return heard.problems().size() == 4; }));  // one a kind
  EXPECT_TRUE(heard.complained("cannot be reached"));
  server.put("ingresses", "shop", "c");
  server.start();
  EXPECT_TRUE(ingress_is_heard("shop/c"));
  EXPECT_TRUE(eventually([&] { return heard.problems().empty(); }));
  EXPECT_EQ(heard.fewest(Kind::ingress), 2U);
}

TEST_F(ApiSource, IsPatientWithAServerThatIsNotThereYet) {
  server.stop();
  start();
  EXPECT_TRUE(eventually([&] { return heard.complained("cannot be reached"); }));
  server.start();
  EXPECT_TRUE(eventually([&] { return heard.synced(); }));
}

TEST_F(ApiSource, LeavesAServerThatDoesNotAnswer) {
  limits.max_list_silence = std::chrono::milliseconds(50);
  server.once("ingresses", Verb::list, [](test::FakePeer& peer) { peer.await_closed(); });
  listen();
  EXPECT_EQ(server.count("ingresses", Verb::list), 2U);
  EXPECT_TRUE(heard.complained("nothing was heard"));
}

TEST_F(ApiSource, LeavesAWatchThatHasGoneSilent) {
  limits.max_watch_silence = std::chrono::milliseconds(100);
  server.once("ingresses", Verb::watch, [](test::FakePeer& peer) {
    peer.head(200);
    peer.await_closed();
  });
  listen();
  ASSERT_TRUE(server.wait_for_requests("ingresses", Verb::watch, 2));
  server.put("ingresses", "shop", "c");
  EXPECT_TRUE(ingress_is_heard("shop/c"));
  EXPECT_EQ(server.count("ingresses", Verb::list), 1U);
}

TEST_F(ApiSource, EndsAtOnceAlsoWhileTheServerHangs) {
  for (const char* plural : {"ingresses", "ingressclasses", "services", "endpointslices"}) {
    server.always(plural, Verb::list, [](test::FakePeer& peer) { peer.await_closed(); });
  }
  start();
  for (const char* plural : {"ingresses", "ingressclasses", "services", "endpointslices"}) {
    ASSERT_TRUE(server.wait_for_requests(plural, Verb::list, 1)) << plural << " waits for an answer to another";
  }
  const auto begin = std::chrono::steady_clock::now();
  source.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST_F(ApiSource, ReadsOnlyTheWatchedNamespaceAndAllClasses) {
  server.put("ingresses", "blog", "c");
  server.put("ingressclasses", "", "fairlead");
  options.watch_namespace = "shop";
  listen();
  for (const test::SeenRequest& request : server.requests()) {
    EXPECT_EQ(request.ns, request.plural == "ingressclasses" ? "" : "shop") << request.path;
  }
  EXPECT_EQ(last("services", false).path, "/api/v1/namespaces/shop/services");
  EXPECT_EQ(last("endpointslices", false).path, "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices");
  EXPECT_THAT(heard.names(Kind::ingress), ElementsAre("shop/a", "shop/b"));
  EXPECT_THAT(heard.names(Kind::ingress_class), ElementsAre("fairlead"));
}

// What changes while the server is away: an Ingress goes, another comes with its Service.
struct ApiSourceAfterAGap : ApiSourceTest {
  ApiSourceAfterAGap() { limits.together = std::chrono::seconds(20); }

  void gap() {
    listen();
    for (const auto& [kind, plural] : std::map<Kind, std::string>{{Kind::ingress, "ingresses"},
                                                                  {Kind::ingress_class, "ingressclasses"},
                                                                  {Kind::service, "services"},
                                                                  {Kind::endpoint_slice, "endpointslices"}}) {
      server.put(plural, kind == Kind::ingress_class ? "" : "shop", "heard");
      const std::string name = kind == Kind::ingress_class ? "heard" : "shop/heard";
      const Kind of = kind;
      ASSERT_TRUE(eventually([&] { return heard.knows(of, name); }));  // by its watch
    }
    server.stop();
    server.remove("ingresses", "shop", "a");
    server.put("ingresses", "shop", "c");
    server.put("services", "shop", "c");
    server.forget_history();
  }
};

TEST_F(ApiSourceAfterAGap, TellsNothingUntilAllKindsAreHeardAgain) {
  gap();
  std::atomic<bool> open = false;
  server.once("services", Verb::list, [&](test::FakePeer& peer) {
    while (!open && !peer.hung_up()) std::this_thread::yield();
    peer.reset();
  });
  server.start();
  ASSERT_TRUE(eventually([&] { return server.count("ingresses", Verb::watch) > 1; }));
  EXPECT_EQ(heard.count(Kind::ingress, "replace"), 1U) << "the Service of the new one is not heard yet";
  open = true;
  EXPECT_TRUE(ingress_is_heard("shop/c"));
  EXPECT_TRUE(heard.knows(Kind::service, "shop/c"));
}

TEST_F(ApiSourceAfterAGap, WaitsOnlySoLongForAKindThatStaysAway) {
  limits.together = std::chrono::milliseconds(50);
  gap();
  server.always("services", Verb::list, test::answer_status(403, "", "may not list"));
  server.start();
  EXPECT_TRUE(ingress_is_heard("shop/c"));
  EXPECT_FALSE(heard.knows(Kind::service, "shop/c"));
}

TEST_F(ApiSource, AsksForNamespacesOnlyWhenTheyAreSelectedAndThenBySelector) {
  listen();
  EXPECT_EQ(server.count("namespaces", Verb::list), 0U);
  source.reset();
  options.namespace_selector = "team=a";
  server.put("namespaces", "", "shop", {{"metadata", {{"labels", {{"team", "a"}}}}}});
  server.put("namespaces", "", "blog", {{"metadata", {{"labels", {{"team", "b"}}}}}});
  start();
  ASSERT_TRUE(eventually([&] { return heard.count(Kind::namespace_object, "replace") == 1; }));
  EXPECT_THAT(heard.names(Kind::namespace_object), ElementsAre("shop"));
  EXPECT_EQ(last("namespaces", false).query.at("labelSelector"), "team=a");
}

TEST_F(ApiSource, StreamsItsListsWhereTheServerCan) {
  limits.streaming_lists = true;
  listen();
  EXPECT_THAT(heard.names(Kind::ingress), ElementsAre("shop/a", "shop/b"));
  EXPECT_TRUE(last("ingresses", false).streamed);
  ASSERT_TRUE(server.wait_for_requests("ingresses", Verb::watch, 1));
  server.put("ingresses", "shop", "c");
  EXPECT_TRUE(ingress_is_heard("shop/c"));
  EXPECT_EQ(server.count("ingresses", Verb::list), 1U);
  EXPECT_THAT(heard.problems(), IsEmpty());
}

TEST_F(ApiSource, AsksForPagesWhereStreamsAreRefused) {
  limits.streaming_lists = true;
  server.refuse_streams();
  listen();
  EXPECT_THAT(heard.names(Kind::ingress), ElementsAre("shop/a", "shop/b"));
  EXPECT_FALSE(last("ingresses", false).streamed);
  EXPECT_EQ(server.count("ingresses", Verb::list), 2U);
  EXPECT_THAT(heard.problems(), IsEmpty());
}

TEST_F(ApiSource, TellsWhenEachResourceWasLastHeardOf) {
  listen();
  const auto resources = [&] {
    std::vector<std::string> names;
    for (const auto& [resource, age] : options.contacts->ages(std::chrono::steady_clock::now())) {
      EXPECT_LT(age, 20) << resource;
      names.push_back(resource);
    }
    return names;
  };
  EXPECT_TRUE(eventually([&] { return !resources().empty(); }));
  EXPECT_THAT(resources(), ElementsAre("endpointslices", "ingressclasses", "ingresses", "services"));
}

TEST_F(ApiSource, TakesClassesThatItMayNotReadForNoneInANamespace) {
  options.watch_namespace = "shop";
  server.always("ingressclasses", Verb::list, test::answer_status(403, "", "may not list"));
  listen();
  EXPECT_THAT(heard.names(Kind::ingress_class), IsEmpty());
  EXPECT_TRUE(eventually([&] { return heard.complained("forbids it: HTTP 403: may not list"); }));
  server.put("ingressclasses", "", "fairlead");
  server.calm("ingressclasses", Verb::list);
  EXPECT_TRUE(eventually([&] { return heard.knows(Kind::ingress_class, "fairlead"); }));
}

TEST_F(ApiSource, WaitsForClassesThatItMayNotReadInAWholeCluster) {
  server.put("ingressclasses", "", "fairlead");
  server.always("ingressclasses", Verb::list, test::answer_status(403, "", "may not list"));
  start();
  const auto asked = [&] {
    int count = 0;
    for (const test::SeenRequest& request : server.requests()) count += request.plural == "ingressclasses" ? 1 : 0;
    return count;
  };
  ASSERT_TRUE(eventually([&] { return asked() > limits.hasty_forbidden + 2; }));
  EXPECT_EQ(heard.count(Kind::ingress_class, "replace"), 0U) << "what cannot be seen is not known to be absent";
  server.calm("ingressclasses", Verb::list);
  EXPECT_TRUE(eventually([&] { return heard.knows(Kind::ingress_class, "fairlead"); }));
}

}  // namespace
}  // namespace fairlead

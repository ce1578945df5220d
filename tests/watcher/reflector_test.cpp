#include "watcher/reflector.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/watcher/watch_lines.hpp"

namespace fairlead {
namespace {

using namespace test;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Cause = Trouble::Cause;

Resource secret() {
  Resource resource;
  resource.kind = Kind::secret;
  resource.collection = "/api/v1/namespaces/shop/secrets";
  resource.single = ObjectName{"shop", "cert"};
  resource.forbidden_is_absent = true;
  resource.plural = "secrets";
  return resource;
}

std::string page(const std::vector<std::string>& names, int version, const std::string& more = "") {
  json list = {{"metadata", {{"resourceVersion", std::to_string(version)}}}, {"items", json::array()}};
  if (!more.empty()) list["metadata"]["continue"] = more;
  for (const std::string& name : names) list["items"].push_back(object(name, 1));
  return list.dump();
}

const json expired = {{"kind", "Status"}, {"code", 410}, {"reason", "Expired"}, {"message", "too old"}};

ReflectorOptions in_pages() {
  ReflectorOptions options;
  options.streaming_lists = false;
  return options;
}

// Plays a server against one Reflector, at a time of its own.
class Play {
 public:
  explicit Play(Resource resource = ingresses(), ReflectorOptions options = in_pages())
      : reflector(std::move(resource), options, 1) {}

  ApiRequest begin() {
    auto request = reflector.next(now);
    EXPECT_TRUE(request) << "no request is due";
    return request.value_or(ApiRequest{});
  }
  bool due() { return now >= reflector.wake_at(); }
  milliseconds waits() const { return std::chrono::duration_cast<milliseconds>(reflector.wake_at() - now); }
  void to_wake() {
    now = reflector.wake_at();
    reflector.on_time(now);
  }
  void pass(milliseconds time) {
    now += time;
    reflector.on_time(now);
  }

  void answer(int status, const std::string& body, ApiEnding ending = {}) {
    begin();
    reflector.on_head(status, now);
    reflector.on_bytes(body, now);
    reflector.on_end(ending, now);
  }
  // Until it is no longer taken for a server that starts.
  void forbid(const std::string& body = "") {
    for (int i = 0; i < ReflectorOptions().hasty_forbidden; ++i) {
      answer(403, body);
      to_wake();
    }
    answer(403, body);
  }
  void fail(const std::string& error) {
    begin();
    reflector.on_end({error, {}}, now);
  }
  ApiRequest open_watch() {
    ApiRequest request = begin();
    EXPECT_TRUE(request.watch);
    reflector.on_head(200, now);
    return request;
  }
  // A watch that has lasted, from resourceVersion 10.
  void settle() {
    answer(200, page({"a"}, 10));
    open_watch();
    pass(seconds(2));
    reflector.take_changes();
  }
  bool say(const std::string& bytes) { return reflector.on_bytes(bytes, now); }
  void end(const std::string& error = "") { reflector.on_end({error, {}}, now); }
  std::vector<Change> changes() { return reflector.take_changes(); }

  Reflector::Time now{std::chrono::hours(1)};
  Reflector reflector;
};

TEST(Reflector, ListsInPagesAndHandsAllOfThemOnAtOnce) {
  Play play;
  EXPECT_EQ(play.begin().target, "/apis/networking.k8s.io/v1/ingresses?limit=500");
  play.reflector.on_head(200, play.now);
  play.say(page({"a", "b"}, 10, "next/1="));
  play.end();
  EXPECT_TRUE(play.changes().empty());
  EXPECT_EQ(play.begin().target, "/apis/networking.k8s.io/v1/ingresses?limit=500&continue=next%2F1%3D");
  play.reflector.on_head(200, play.now);
  play.say(page({"c"}, 10));
  play.end();
  const std::vector<Change> changes = play.changes();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].type, Change::Type::replace);
  EXPECT_EQ(changes[0].kind, Kind::ingress);
  EXPECT_EQ(changes[0].objects.size(), 3U);
}

TEST(Reflector, WatchesFromTheListsVersionWithBookmarksForFiveToTenMinutes) {
  Play play;
  play.answer(200, page({}, 10));
  const std::string target = play.begin().target;
  EXPECT_TRUE(target.starts_with("/apis/networking.k8s.io/v1/ingresses?watch=true&allowWatchBookmarks=true&"))
      << target;
  EXPECT_TRUE(target.ends_with("&resourceVersion=10")) << target;
  const int time = std::stoi(target.substr(target.find("timeoutSeconds=") + 15));
  EXPECT_GE(time, 300);
  EXPECT_LE(time, 600);
}

TEST(Reflector, AnEmptyListIsAnnouncedToo) {
  Play play;
  play.answer(200, R"({"metadata":{"resourceVersion":"7"},"items":null})");
  const auto changes = play.changes();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].type, Change::Type::replace);
  EXPECT_TRUE(changes[0].objects.empty());
}

TEST(Reflector, TellsWhatIsAddedModifiedAndDeleted) {
  Play play;
  play.settle();
  EXPECT_TRUE(play.say(event("ADDED", object("b", 11)) + event("MODIFIED", object("a", 12)) +
                       event("DELETED", object("b", 13))));
  const auto changes = play.changes();
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[0].type, Change::Type::put);
  EXPECT_EQ(changes[0].name, (ObjectName{"shop", "b"}));
  EXPECT_EQ(changes[0].object.at("metadata").at("name"), "b");
  EXPECT_EQ(changes[1].type, Change::Type::put);
  EXPECT_EQ(changes[2].type, Change::Type::remove);
  EXPECT_EQ(changes[2].name, (ObjectName{"shop", "b"}));
}

TEST(Reflector, GoesOnAtOnceFromTheLastEventWhenAWorkingWatchIsCutInTheMiddleOfALine) {
  Play play;
  play.settle();
  play.say(event("ADDED", object("b", 11)) + R"({"type":"ADDED","obj)");
  play.end("connection reset");
  EXPECT_EQ(play.changes().size(), 1U);
  EXPECT_TRUE(play.due());
  EXPECT_FALSE(play.reflector.trouble());
  EXPECT_TRUE(play.begin().target.ends_with("&resourceVersion=11"));
  play.reflector.on_head(200, play.now);
  EXPECT_TRUE(play.say(event("ADDED", object("c", 12)))) << "the half line must be forgotten";
  EXPECT_EQ(play.changes().size(), 1U);
}

TEST(Reflector, ABookmarkMovesTheVersionAndChangesNothing) {
  Play play;
  play.settle();
  play.say(event("BOOKMARK", {{"metadata", {{"resourceVersion", "99"}}}}));
  play.end();
  EXPECT_TRUE(play.changes().empty());
  EXPECT_TRUE(play.begin().target.ends_with("&resourceVersion=99"));
}

TEST(Reflector, WaitsLongerEachTimeAWatchEndsAsSoonAsItBegins) {
  Play play;
  play.answer(200, page({"a"}, 10));
  play.answer(200, "");
  EXPECT_TRUE(play.due()) << "once is no failure";
  EXPECT_FALSE(play.reflector.trouble());
  play.answer(200, "");
  EXPECT_GE(play.waits(), milliseconds(100));
  EXPECT_EQ(play.reflector.trouble()->cause, Cause::broken_stream);
  for (int i = 0; i < 10; ++i) {
    play.to_wake();
    play.answer(200, "");
  }
  EXPECT_GE(play.waits(), seconds(15));
  EXPECT_LE(play.waits(), seconds(30));
}

TEST(Reflector, ForgetsItsFailuresOnceAWatchHasLasted) {
  Play play;
  for (int i = 0; i < 12; ++i) {
    play.fail("connection refused");
    EXPECT_EQ(play.reflector.trouble()->cause, Cause::unreachable);
    EXPECT_NE(play.reflector.trouble()->message.find("connection refused"), std::string::npos);
    play.to_wake();
  }
  play.answer(200, page({"a"}, 10));
  play.open_watch();
  EXPECT_TRUE(play.reflector.trouble()) << "an open watch proves nothing yet";
  EXPECT_LE(play.waits(), seconds(1)) << "it must ask to be woken to see that the watch lasts";
  play.to_wake();
  EXPECT_FALSE(play.reflector.trouble());
  play.end("reset");
  EXPECT_TRUE(play.due());
  play.fail("connection refused");
  EXPECT_LE(play.waits(), milliseconds(200));
}

TEST(Reflector, ListsAgainAtOnceWhenTheWatchSaysGoneAndReplacesWithoutEmptying) {
  Play play;
  play.settle();
  EXPECT_FALSE(play.say(event("ERROR", expired)));
  play.end("aborted");
  EXPECT_TRUE(play.changes().empty());
  EXPECT_TRUE(play.due());
  play.answer(200, page({"b"}, 20, "more"));
  EXPECT_TRUE(play.changes().empty()) << "nothing may be told before the last page";
  play.answer(200, page({"c"}, 20));
  const auto changes = play.changes();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].type, Change::Type::replace);
  EXPECT_EQ(changes[0].objects.size(), 2U);
}

TEST(Reflector, ListsAgainWhenTheWatchIsRefusedWithHttpStatusGone) {
  Play play;
  play.settle();
  play.end();
  play.answer(410, expired.dump());
  EXPECT_TRUE(play.due());
  EXPECT_FALSE(play.begin().watch);
}

TEST(Reflector, ListsFromTheFirstPageWhenTheContinueTokenIsTooOld) {
  Play play;
  play.answer(200, page({"a"}, 10, "old"));
  play.answer(410, expired.dump());
  EXPECT_EQ(play.begin().target, "/apis/networking.k8s.io/v1/ingresses?limit=500");
  play.reflector.on_head(200, play.now);
  play.say(page({"b"}, 11));
  play.end();
  const auto changes = play.changes();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].objects.size(), 1U) << "what the first try had read must be forgotten";
}

TEST(Reflector, BacksOffWhenEveryListIsGoneAgain) {
  Play play;
  play.answer(200, page({"a"}, 10));
  for (int i = 0; i < 3; ++i) {
    play.to_wake();
    play.answer(200, event("ERROR", expired));
    play.to_wake();
    play.answer(200, page({"a"}, 10));
  }
  play.answer(200, event("ERROR", expired));
  EXPECT_GT(play.waits(), milliseconds(0));
  EXPECT_TRUE(play.reflector.trouble());
}

TEST(Reflector, AsksForTheSamePageAgainWhenTheServerFails) {
  Play play;
  play.answer(200, page({"a"}, 10, "next"));
  play.answer(500, "boom");
  EXPECT_EQ(play.reflector.trouble()->cause, Cause::refused);
  play.to_wake();
  EXPECT_TRUE(play.begin().target.ends_with("&continue=next"));
  play.reflector.on_head(200, play.now);
  play.say(page({"b"}, 10));
  play.end();
  EXPECT_EQ(play.changes().at(0).objects.size(), 2U);
}

TEST(Reflector, APageThatBreaksOffIsNoPage) {
  Play play;
  const std::string whole = page({"a"}, 10);
  play.answer(200, whole, {"transfer closed", {}});
  EXPECT_TRUE(play.changes().empty()) << "it may be whole, but nobody said so";
  EXPECT_EQ(play.reflector.trouble()->cause, Cause::broken_stream);
}

TEST(Reflector, WaitsAsLongAsABusyServerAsks) {
  Play play;
  play.answer(429, "", {"", seconds(7)});
  EXPECT_GE(play.waits(), seconds(7));
  EXPECT_EQ(play.reflector.trouble()->cause, Cause::busy);
  play.to_wake();
  play.answer(503, "", {"", seconds(9)});
  EXPECT_GE(play.waits(), seconds(9));
}

TEST(Reflector, DoesNotLetAServerSendItAwayForDays) {
  Play play;
  play.answer(429, "", {"", std::chrono::hours(48)});
  EXPECT_LE(play.waits(), seconds(300) + seconds(30));
}

TEST(Reflector, SuspectsItsVersionWhenTheServerFailsEveryWatch) {
  Play play;
  play.settle();
  play.end();
  for (int i = 0; i < 3; ++i) {
    play.to_wake();
    EXPECT_FALSE(play.reflector.listing());
    play.answer(504, R"({"message":"Too large resource version"})");
  }
  EXPECT_TRUE(play.reflector.listing());
}

TEST(Reflector, GivesUpAnAnswerThatMakesNoSenseAndListsAgain) {
  for (const std::string& garbage :
       {std::string("nonsense\n"), std::string("{}\n"), std::string("[]\n"), event("ADDED", json::object()),
        event("ADDED", {{"metadata", {{"resourceVersion", "11"}}}}), event("EXPLODED", object("b", 11)),
        event("BOOKMARK", json::object()),
        std::string(R"({"type":"ADDED","object":)") + std::string(500, '[') + "\n"}) {
    Play play;
    play.settle();
    EXPECT_FALSE(play.say(garbage)) << garbage;
    EXPECT_FALSE(play.say(event("ADDED", object("c", 12)))) << "nothing may be read after garbage";
    play.end("aborted");
    EXPECT_TRUE(play.changes().empty());
    EXPECT_EQ(play.reflector.trouble()->cause, Cause::garbled) << garbage;
    EXPECT_GT(play.waits(), milliseconds(0));
    EXPECT_TRUE(play.reflector.listing());
  }
}

TEST(Reflector, ConcludesNothingFromAnAnswerThatIsNoList) {
  for (const char* body :
       {"", "{}", "[]", "null", "<html>", R"({"items":[]})", R"({"metadata":{"resourceVersion":"1"}})",
        R"({"metadata":{"resourceVersion":"1"},"items":{}})",
        R"({"metadata":{"resourceVersion":"1","continue":"x"},"items":[]})",
        R"({"metadata":{"resourceVersion":"1"},"items":[{}]})"}) {
    Play play;
    play.answer(200, body);
    EXPECT_TRUE(play.changes().empty()) << body;
    ASSERT_TRUE(play.reflector.trouble()) << body;
    EXPECT_EQ(play.reflector.trouble()->cause, Cause::garbled) << body;
    EXPECT_TRUE(play.reflector.listing());
  }
}

TEST(Reflector, ListsAgainAfterAnEventThatIsTooLong) {
  ReflectorOptions options = in_pages();
  options.max_event_bytes = 1000;
  Play play(ingresses(), options);
  play.settle();
  EXPECT_TRUE(play.say(std::string(1000, 'x')));
  EXPECT_FALSE(play.say("x"));
  play.end("aborted");
  EXPECT_EQ(play.reflector.trouble()->cause, Cause::too_large);
  EXPECT_TRUE(play.reflector.listing());
}

TEST(Reflector, AsksForSmallerPagesAfterOneThatIsTooLarge) {
  ReflectorOptions options = in_pages();
  options.max_page_bytes = 1000;
  Play play(ingresses(), options);
  play.begin();
  play.reflector.on_head(200, play.now);
  EXPECT_TRUE(play.say(std::string(1000, ' ')));
  EXPECT_FALSE(play.say(" "));
  play.end("aborted");
  EXPECT_EQ(play.reflector.trouble()->cause, Cause::too_large);
  play.to_wake();
  EXPECT_TRUE(play.begin().target.ends_with("?limit=100"));
}

TEST(Reflector, TakesNoMoreObjectsThanAllowed) {
  ReflectorOptions options = in_pages();
  options.max_objects = 3;
  Play play(ingresses(), options);
  play.answer(200, page({"a", "b"}, 10, "next"));
  play.answer(200, page({"c", "d"}, 10));
  EXPECT_TRUE(play.changes().empty());
  EXPECT_NE(play.reflector.trouble()->message.find("more than 3 objects"), std::string::npos);
}

TEST(Reflector, NoticesAServerThatHasGoneSilentAndUsesAnotherConnection) {
  Play play;
  play.settle();
  play.pass(seconds(100));
  play.say(event("BOOKMARK", {{"metadata", {{"resourceVersion", "11"}}}}));
  play.pass(seconds(100));
  EXPECT_FALSE(play.reflector.silent(play.now)) << "a bookmark is a sign of life";
  play.to_wake();
  EXPECT_TRUE(play.reflector.silent(play.now));
  play.reflector.on_silence(play.now);
  EXPECT_TRUE(play.due());
  EXPECT_FALSE(play.reflector.trouble()) << "quiet kinds are silent too";
  const ApiRequest request = play.begin();
  EXPECT_TRUE(request.fresh_connection);
  EXPECT_TRUE(request.target.ends_with("&resourceVersion=11"));
  play.end("refused");
  play.to_wake();
  EXPECT_FALSE(play.begin().fresh_connection);
}

TEST(Reflector, DoesNotWaitForeverForAPage) {
  Play play;
  play.begin();
  play.to_wake();
  EXPECT_TRUE(play.reflector.silent(play.now));
  play.reflector.on_silence(play.now);
  EXPECT_EQ(play.reflector.trouble()->cause, Cause::unreachable);
  EXPECT_NE(play.reflector.trouble()->message.find("60 s"), std::string::npos);
}

TEST(Reflector, SaysWhatTheServerSaidWhenItIsForbidden) {
  Play play;
  play.answer(403, R"({"message":"ingresses is forbidden: User \"x\"\ncannot list"})");
  ASSERT_TRUE(play.reflector.trouble());
  EXPECT_EQ(play.reflector.trouble()->cause, Cause::forbidden);
  EXPECT_NE(play.reflector.trouble()->message.find("HTTP 403: ingresses is forbidden: User \"x\" cannot list"),
            std::string::npos);
  EXPECT_NE(play.reflector.trouble()->message.find("grant list and watch on ingresses"), std::string::npos);
  EXPECT_TRUE(play.changes().empty()) << "what cannot be seen is not known to be absent";
}

TEST(Reflector, SoonAsksAgainWhenAServerForbidsAsItMayWhileItStarts) {
  Play play;
  play.settle();
  play.end();
  for (int i = 0; i < ReflectorOptions().hasty_forbidden; ++i) {
    play.answer(403, "");
    EXPECT_LE(play.waits(), seconds(2));
    EXPECT_FALSE(play.reflector.listing()) << "what is known is not asked for anew";
    play.to_wake();
  }
  EXPECT_TRUE(play.begin().watch);
}

TEST(Reflector, WaitsLongWhenItStaysForbidden) {
  Play play;
  play.forbid();
  EXPECT_GE(play.waits(), seconds(60));
}

TEST(Reflector, HastensAgainAfterAServerThatAllowedIt) {
  Play play;
  play.forbid();
  play.to_wake();
  play.answer(200, page({}, 10));
  play.answer(403, "");
  EXPECT_LT(play.waits(), seconds(60));
}

TEST(Reflector, ListsAgainAtOnceWhenAServerThatWasAwaySaysGone) {
  Play play;
  play.settle();
  play.end();
  play.answer(200, event("ERROR", expired));
  play.answer(200, page({"a"}, 20));
  for (int i = 0; i < 8; ++i) {
    play.fail("connection refused");
    play.to_wake();
  }
  ASSERT_TRUE(play.begin().watch);
  play.reflector.on_head(200, play.now);
  play.say(event("ERROR", expired));
  play.end();
  EXPECT_TRUE(play.reflector.listing());
  EXPECT_TRUE(play.due());
}

TEST(Reflector, CountsAForbiddenKindAsEmptyOnlyWhereThatIsAllowedAndOnlyOnce) {
  Resource classes = ingresses();
  classes.kind = Kind::ingress_class;
  classes.forbidden_is_absent = true;
  Play play(classes);
  play.answer(403, "");
  EXPECT_TRUE(play.changes().empty()) << "it may be a server that starts";
  play.to_wake();
  play.forbid();
  auto changes = play.changes();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].type, Change::Type::replace);
  EXPECT_TRUE(changes[0].objects.empty());
  play.to_wake();
  play.answer(403, "");
  EXPECT_TRUE(play.changes().empty());
}

TEST(Reflector, KeepsWhatItKnewWhenItIsForbiddenLater) {
  Resource classes = ingresses();
  classes.forbidden_is_absent = true;
  Play play(classes);
  play.settle();
  play.end();
  play.forbid();
  EXPECT_TRUE(play.changes().empty());
  EXPECT_TRUE(play.reflector.listing()) << "who may not watch may perhaps list";
}

TEST(Reflector, TellsTheCredentialsFailureApart) {
  Play play;
  play.answer(401, R"({"message":"Unauthorized"})");
  EXPECT_EQ(play.reflector.trouble()->cause, Cause::unauthorized);
  EXPECT_LE(play.waits(), milliseconds(200));
}

TEST(Reflector, AsksForOneSecretByNameAndPutsIt) {
  Play play(secret());
  EXPECT_EQ(play.begin().target, "/api/v1/namespaces/shop/secrets?limit=500&fieldSelector=metadata.name%3Dcert");
  play.reflector.on_head(200, play.now);
  play.say(page({"other", "cert"}, 10));
  play.end();
  const auto changes = play.changes();
  ASSERT_EQ(changes.size(), 1U) << "a Secret that nobody referenced must not be handed on";
  EXPECT_EQ(changes[0].type, Change::Type::put);
  EXPECT_EQ(changes[0].name, (ObjectName{"shop", "cert"}));
  EXPECT_TRUE(play.begin().target.ends_with("&fieldSelector=metadata.name%3Dcert"));
}

TEST(Reflector, ASecretThatDoesNotExistIsRemovedAndWatchedUntilItAppears) {
  Play play(secret());
  play.answer(200, page({}, 10));
  auto changes = play.changes();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].type, Change::Type::remove);
  EXPECT_EQ(changes[0].name, (ObjectName{"shop", "cert"}));
  play.open_watch();
  play.say(event("ADDED", object("stranger", 11)) + event("ADDED", object("cert", 12)));
  changes = play.changes();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].type, Change::Type::put);
}

TEST(Reflector, AForbiddenSecretIsAnsweredSoThatNobodyWaitsForIt) {
  Play play(secret());
  play.forbid();
  const auto changes = play.changes();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].type, Change::Type::remove);
  EXPECT_EQ(play.reflector.trouble()->cause, Cause::forbidden);
}

TEST(Reflector, StartsNoSecondRequestWhileOneRuns) {
  Play play;
  play.begin();
  EXPECT_FALSE(play.reflector.next(play.now + seconds(1)));
}

}  // namespace
}  // namespace fairlead

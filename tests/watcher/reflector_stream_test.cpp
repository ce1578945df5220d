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

std::string added(const std::string& name) {
  return event("ADDED", object(name, 7));
}

const std::string all_told = event(
    "BOOKMARK", {{"metadata", {{"resourceVersion", "40"}, {"annotations", {{"k8s.io/initial-events-end", "true"}}}}}});

const std::string pages = "/apis/networking.k8s.io/v1/ingresses?limit=";

struct StreamedList : testing::Test {
  explicit StreamedList(ReflectorOptions options = {}) : reflector(ingresses(), options, 1) {}

  std::string begin() {
    const auto request = reflector.next(now);
    EXPECT_TRUE(request) << "no request is due";
    return request ? request->target : "";
  }
  void open() {
    begin();
    reflector.on_head(200, now);
  }
  bool say(const std::string& bytes) { return reflector.on_bytes(bytes, now); }
  void end(const std::string& error = "") { reflector.on_end({error, {}}, now); }
  void to_wake() { now = reflector.wake_at(); }
  void refuse(int status) {
    begin();
    reflector.on_head(status, now);
    end();
  }
  static std::vector<std::string> names_in(const Change& change) {
    std::vector<std::string> names;
    for (const json& one : change.objects) names.push_back(one["metadata"]["name"]);
    return names;
  }

  Reflector::Time now{std::chrono::hours(1)};
  Reflector reflector;
};

TEST_F(StreamedList, IsAskedForAsTheInitialEventsOfAWatch) {
  const std::string target = begin();
  EXPECT_TRUE(target.starts_with("/apis/networking.k8s.io/v1/ingresses?watch=true&allowWatchBookmarks=true&"))
      << target;
  EXPECT_NE(target.find("&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"), std::string::npos) << target;
  EXPECT_EQ(target.find("resourceVersion="), std::string::npos) << "the newest is wanted: " << target;
  EXPECT_TRUE(reflector.listing());
}

TEST_F(StreamedList, IsHandedOnAtOnceWhenItsBookmarkComes) {
  open();
  EXPECT_TRUE(say(added("a") + added("b")));
  EXPECT_TRUE(reflector.take_changes().empty());
  EXPECT_FALSE(say(all_told)) << "the watch is another request";
  end("the transfer was ended");
  const std::vector<Change> changes = reflector.take_changes();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].type, Change::Type::replace);
  EXPECT_EQ(names_in(changes[0]), (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(reflector.trouble());
}

TEST_F(StreamedList, IsFollowedByAWatchFromItsBookmark) {
  open();
  say(added("a") + all_told);
  end();
  const auto watch = reflector.next(now);
  ASSERT_TRUE(watch);
  EXPECT_TRUE(watch->watch);
  EXPECT_NE(watch->target.find("&resourceVersion=40"), std::string::npos) << watch->target;
  EXPECT_EQ(watch->target.find("sendInitialEvents"), std::string::npos);
}

TEST_F(StreamedList, OtherBookmarksDoNotEndIt) {
  open();
  EXPECT_TRUE(say(event("BOOKMARK", {{"metadata", {{"resourceVersion", "39"}}}})));
  EXPECT_TRUE(reflector.take_changes().empty());
}

TEST_F(StreamedList, WhatChangesWhileItComesIsAppliedAfterIt) {
  open();
  say(added("a") + added("b") + event("DELETED", object("a", 7)) + added("c") + event("MODIFIED", object("b", 7)) +
      all_told);
  end();
  const std::vector<Change> changes = reflector.take_changes();
  ASSERT_EQ(changes.size(), 4U);
  EXPECT_EQ(names_in(changes[0]), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(changes[1].type, Change::Type::remove);
  EXPECT_EQ(changes[1].name.name, "a");
  EXPECT_EQ(changes[2].name.name, "c");
  EXPECT_EQ(changes[3].name.name, "b");
}

TEST_F(StreamedList, ThatIsEmptyEmptiesWhatWasKnown) {
  open();
  say(all_told);
  end();
  const std::vector<Change> changes = reflector.take_changes();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_TRUE(changes[0].objects.empty());
}

struct RefusedStream : StreamedList, testing::WithParamInterface<int> {};

TEST_P(RefusedStream, IsAskedForInPagesAtOnceAndFromThenOn) {
  refuse(GetParam());
  EXPECT_FALSE(reflector.trouble()) << "an older server is no trouble";
  EXPECT_TRUE(begin().starts_with(pages));
  reflector.on_head(410, now);
  end();
  EXPECT_TRUE(begin().starts_with(pages)) << "it is not asked again";
}

INSTANTIATE_TEST_SUITE_P(Status, RefusedStream, testing::Values(400, 404, 422));

TEST_F(StreamedList, ThatBreaksOffLeavesNothingBehindAndIsTriedOnceMore) {
  open();
  say(added("a"));
  end("connection reset");
  EXPECT_TRUE(reflector.take_changes().empty());
  open();
  say(added("b") + all_told);
  end();
  EXPECT_EQ(names_in(reflector.take_changes().at(0)), std::vector<std::string>{"b"});
}

TEST_F(StreamedList, ThatBreaksOffTwiceIsAskedForInPages) {
  for (int i = 0; i < 2; ++i) {
    to_wake();
    open();
    say(added("a"));
    end("connection reset");
  }
  to_wake();
  EXPECT_TRUE(begin().starts_with(pages));
}

TEST_F(StreamedList, ThatFallsSilentTwiceIsAskedForInPages) {
  for (int i = 0; i < 2; ++i) {
    to_wake();
    open();
    say(added("a"));
    now += seconds(61);
    EXPECT_TRUE(reflector.silent(now));
    reflector.on_silence(now);
  }
  to_wake();
  EXPECT_TRUE(begin().starts_with(pages));
}

TEST_F(StreamedList, IsAskedForAgainByAServerThatIsBusy) {
  refuse(429);
  to_wake();
  EXPECT_NE(begin().find("sendInitialEvents"), std::string::npos);
}

TEST_F(StreamedList, WithoutAVersionIsGarbled) {
  open();
  EXPECT_FALSE(say(event("BOOKMARK", {{"metadata", {{"annotations", {{"k8s.io/initial-events-end", "true"}}}}}})));
  end();
  EXPECT_EQ(reflector.trouble()->cause, Cause::garbled);
  EXPECT_TRUE(reflector.take_changes().empty());
}

struct BoundedStream : StreamedList {
  BoundedStream()
      : StreamedList([] {
          ReflectorOptions options;
          options.max_objects = 2;
          return options;
        }()) {}
};

TEST_F(BoundedStream, HoldsNoMoreObjectsThanItIsAllowed) {
  open();
  EXPECT_FALSE(say(added("a") + added("b") + added("c")));
  end();
  EXPECT_EQ(reflector.trouble()->cause, Cause::too_large);
}

TEST_F(StreamedList, ContactIsEveryWordOfUse) {
  EXPECT_FALSE(reflector.contact_at());
  refuse(503);
  EXPECT_FALSE(reflector.contact_at()) << "a refusal is none";
  to_wake();
  open();
  EXPECT_EQ(reflector.contact_at(), now);
  now += seconds(3);
  say(added("a"));
  EXPECT_EQ(reflector.contact_at(), now);
}

TEST(Reflector, AsksForOneObjectAsAList) {
  Resource secret = ingresses();
  secret.single = ObjectName{"shop", "cert"};
  Reflector reflector(secret, {}, 1);
  EXPECT_TRUE(reflector.next({})->target.starts_with(pages)) << "a stream costs a connection";
}

}  // namespace
}  // namespace fairlead

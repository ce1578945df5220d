#include "watcher/status_book.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace fairlead {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using Time = StatusBook::Time;

const PublishedAddresses ours = published_addresses("203.0.113.1");
const PublishedAddresses theirs = published_addresses("198.51.100.9");

// An API server's answer to a status write.
ApiAnswer written(const PublishedAddresses& addresses, const std::string& version) {
  const json object = {{"metadata", {{"resourceVersion", version}}},
                       {"status", {{"loadBalancer", {{"ingress", to_json(addresses)}}}}}};
  return {200, object.dump(), {}, {}};
}

// A book at a time of its own. Ingress "web" is of namespace shop.
class Play {
 public:
  explicit Play(StatusLimits limits = {}) : book(limits, 1) {}

  void hear(const std::string& name, const PublishedAddresses& addresses, const std::string& version) {
    book.hear({"shop", name}, {"uid-" + name, version, addresses}, now);
  }
  // Heard, served and live, without an address yet.
  void serve(const std::string& name) {
    hear(name, {}, "1");
    book.serve({"shop", name}, 1);
    book.live(1);
  }
  // The names of all writes that are due, none answered.
  std::vector<std::string> due() {
    std::vector<std::string> names;
    while (auto write = book.next(now)) {
      names.push_back(write->first.name);
      last = std::move(write->second);
    }
    return names;
  }
  void answer(const std::string& name, const ApiAnswer& answer) { book.on_answer({"shop", name}, answer, now); }
  void pass(milliseconds time) { now += time; }

  Time now{hours(1)};
  StatusBook book;
  ApiRequest last;
};

TEST(StatusBook, WritesTheAddressesOfAnIngressThatIsServed) {
  Play play;
  play.book.want(published_addresses("203.0.113.1,lb.example.com"));
  play.serve("web");
  EXPECT_THAT(play.due(), ElementsAre("web"));
  EXPECT_EQ(play.last.method, "PATCH");
  EXPECT_EQ(play.last.content_type, "application/merge-patch+json");
  EXPECT_EQ(play.last.target, "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/web/status");
  const json body = json::parse(play.last.body);
  EXPECT_EQ(body.at("metadata"), (json{{"resourceVersion", "1"}}));
  EXPECT_EQ(body.at("status").at("loadBalancer").at("ingress"),
            (json::array({{{"hostname", "lb.example.com"}}, {{"ip", "203.0.113.1"}}})));
}

TEST(StatusBook, WritesOnceAndThenWaitsForAChange) {
  Play play;
  play.book.want(ours);
  play.serve("web");
  EXPECT_THAT(play.due(), ElementsAre("web"));
  EXPECT_THAT(play.due(), IsEmpty());  // under way
  play.answer("web", written(ours, "2"));
  play.hear("web", ours, "2");
  play.pass(hours(24));
  EXPECT_THAT(play.due(), IsEmpty());
  EXPECT_EQ(play.book.wake_at(play.now), Time::max());
  play.book.want(theirs);
  EXPECT_THAT(play.due(), ElementsAre("web"));
}

TEST(StatusBook, LeavesAloneWhatIsNotServedHere) {
  Play play;
  play.book.want(ours);
  play.hear("others", theirs, "1");
  play.serve("web");
  play.book.do_not_serve({"shop", "web"});  // its class is another now: its status is that controller's
  EXPECT_THAT(play.due(), IsEmpty());
}

TEST(StatusBook, WaitsUntilEveryWorkerServesIt) {
  Play play;
  play.book.want(ours);
  play.hear("web", {}, "1");
  play.book.live(4);
  play.book.serve({"shop", "web"}, 5);
  EXPECT_TRUE(play.book.waits_for_generation());
  EXPECT_THAT(play.due(), IsEmpty());
  play.book.live(5);
  EXPECT_FALSE(play.book.waits_for_generation());
  EXPECT_THAT(play.due(), ElementsAre("web"));
}

TEST(StatusBook, WritesNothingBeforeTheAddressesAreKnown) {
  Play play;
  play.serve("web");
  EXPECT_THAT(play.due(), IsEmpty());
  play.book.want(ours);
  EXPECT_THAT(play.due(), ElementsAre("web"));
}

TEST(StatusBook, WritesNothingWhereItIsRightAlready) {
  Play play;
  play.book.want(ours);
  play.hear("web", ours, "1");
  play.book.serve({"shop", "web"}, 0);
  EXPECT_THAT(play.due(), IsEmpty());
  EXPECT_EQ(play.book.pending(), 0U);
}

TEST(StatusBook, ALateOldVersionIsNoReasonToWriteAgain) {
  Play play;
  play.book.want(ours);
  play.serve("web");
  play.due();
  play.answer("web", written(ours, "3"));
  play.hear("web", {}, "2");  // an event of before the write
  EXPECT_THAT(play.due(), IsEmpty());
  play.hear("web", ours, "3");
  play.pass(hours(1));
  EXPECT_THAT(play.due(), IsEmpty());
}

TEST(StatusBook, IsEverMorePatientWithSomebodyWhoWritesOtherAddresses) {
  Play play;
  play.book.want(ours);
  play.serve("web");
  play.due();
  play.answer("web", written(ours, "2"));
  std::vector<milliseconds> waits;
  for (int i = 3; i < 23; ++i) {
    play.hear("web", theirs, std::to_string(i));
    const Time from = play.now;
    while (play.due().empty()) play.now = std::max(play.now + milliseconds(1), play.book.wake_at(play.now));
    waits.push_back(std::chrono::duration_cast<milliseconds>(play.now - from));
    play.answer("web", written(ours, std::to_string(i) + "0"));
  }
  EXPECT_EQ(waits[0], seconds(1));
  EXPECT_EQ(waits[1], seconds(2));
  EXPECT_EQ(waits[5], seconds(32));
  EXPECT_EQ(waits.back(), seconds(600));
}

TEST(StatusBook, IsPatientNoMoreAfterALongPeace) {
  Play play;
  play.book.want(ours);
  play.serve("web");
  play.due();
  play.answer("web", written(ours, "2"));
  for (int i = 0; i < 4; ++i) {
    play.hear("web", theirs, "3");
    play.pass(seconds(100));
    ASSERT_THAT(play.due(), ElementsAre("web"));
    play.answer("web", written(ours, "4"));
  }
  play.pass(hours(2));
  play.hear("web", theirs, "5");
  EXPECT_THAT(play.due(), IsEmpty());
  play.pass(seconds(1));
  EXPECT_THAT(play.due(), ElementsAre("web"));
}

TEST(StatusBook, AConflictIsTriedAgainWithTheNextVersion) {
  Play play;
  play.book.want(ours);
  play.serve("web");
  play.due();
  play.answer("web", {409, R"({"message":"modified"})", {}, {}});
  EXPECT_THAT(play.due(), IsEmpty());
  play.hear("web", {}, "9");
  EXPECT_THAT(play.due(), ElementsAre("web"));
  EXPECT_EQ(json::parse(play.last.body).at("metadata").at("resourceVersion"), "9");
  EXPECT_EQ(play.book.trouble(), "");
}

TEST(StatusBook, ARefusalOfOneIsNoneOfTheOthers) {
  Play play;
  play.book.want(ours);
  play.serve("a");
  play.serve("b");
  play.due();
  play.answer("a", {422, R"({"message":"invalid"})", {}, {}});
  play.answer("b", written(ours, "2"));
  play.serve("c");
  EXPECT_THAT(play.due(), ElementsAre("c"));
  play.pass(seconds(1));
  EXPECT_THAT(play.due(), ElementsAre("a"));
  play.answer("a", {422, "{}", {}, {}});
  play.pass(milliseconds(999));
  EXPECT_THAT(play.due(), IsEmpty());  // twice as long
  play.pass(milliseconds(1));
  EXPECT_THAT(play.due(), ElementsAre("a"));
}

TEST(StatusBook, AServerThatDoesNotAnswerIsGivenTime) {
  Play play;
  play.book.want(ours);
  for (const char* name : {"a", "b", "c"}) play.serve(name);
  EXPECT_THAT(play.due(), ElementsAre("a", "b", "c"));
  for (const char* name : {"a", "b", "c"}) play.answer(name, {0, {}, "connection refused", {}});
  EXPECT_EQ(play.book.trouble(), "connection refused");
  EXPECT_THAT(play.due(), IsEmpty());
  EXPECT_LE(play.book.wake_at(play.now), play.now + milliseconds(500));  // the three were one failure
  play.pass(milliseconds(500));
  EXPECT_THAT(play.due(), ElementsAre("a", "b", "c"));
  play.answer("a", written(ours, "2"));
  EXPECT_EQ(play.book.trouble(), "");
}

TEST(StatusBook, SomeThatAreForbiddenKeepNoOtherWaiting) {
  Play play;
  play.book.want(ours);
  for (const char* name : {"a", "b", "c"}) play.serve(name);
  for (int round = 0; round < 10; ++round) {
    for (const std::string& name : play.due()) play.answer(name, {403, "an admission webhook objects", {}, {}});
    play.pass(seconds(61));
  }
  EXPECT_EQ(play.book.trouble(), "");
  for (const std::string& name : play.due()) play.answer(name, {403, "an admission webhook objects", {}, {}});
  play.serve("web");
  EXPECT_THAT(play.due(), ElementsAre("web"));
}

TEST(StatusBook, WhenManyAreForbiddenItIsTheRoleAndAllWait) {
  StatusLimits limits;
  limits.max_forbidden = 2;
  Play play(limits);
  play.book.want(ours);
  for (const char* name : {"a", "b", "c"}) play.serve(name);
  for (const std::string& name : play.due()) play.answer(name, {403, "forbidden", {}, {}});
  EXPECT_THAT(play.book.trouble(), testing::HasSubstr("403"));
  play.serve("web");
  EXPECT_THAT(play.due(), IsEmpty());
  play.pass(seconds(1));
  EXPECT_THAT(play.due(), testing::Contains("web"));
  play.answer("web", written(ours, "2"));
  EXPECT_EQ(play.book.trouble(), "");
}

TEST(StatusBook, WaitsAsLongAsTheServerAsks) {
  Play play;
  play.book.want(ours);
  play.serve("a");
  play.due();
  play.answer("a", {429, "{}", {}, seconds(20)});
  play.pass(seconds(19));
  EXPECT_THAT(play.due(), IsEmpty());
  play.pass(seconds(1));
  EXPECT_THAT(play.due(), ElementsAre("a"));
}

TEST(StatusBook, WritesAtAPaceAndNotTooManyAtOnce) {
  StatusLimits limits;
  limits.writes_per_second = 10;
  limits.burst = 5;
  limits.max_in_flight = 3;
  Play play(limits);
  play.book.want(ours);
  for (int i = 0; i < 100; ++i) play.serve("web-" + std::to_string(i));
  EXPECT_EQ(play.book.pending(), 100U);
  int in_time = 0;
  const Time from = play.now;
  while (play.now < from + seconds(5)) {
    const std::vector<std::string> names = play.due();
    EXPECT_LE(names.size(), 3U);
    for (const std::string& name : names) play.answer(name, written(ours, "2"));
    in_time += static_cast<int>(names.size());
    play.pass(milliseconds(10));
  }
  EXPECT_NEAR(in_time, 5 + 50, 1);
  EXPECT_EQ(play.book.pending(), 100U - static_cast<unsigned>(in_time));
}

TEST(StatusBook, WithdrawsOnlyWhatItHadWritten) {
  Play play;
  play.book.want(ours);
  play.serve("mine");
  play.hear("theirs", theirs, "1");
  play.book.serve({"shop", "theirs"}, 1);
  play.due();
  play.answer("mine", written(ours, "2"));
  play.answer("theirs", {409, "{}", {}, {}});
  play.book.withdraw();
  EXPECT_THAT(play.due(), ElementsAre("mine"));
  EXPECT_EQ(json::parse(play.last.body).at("status").at("loadBalancer").at("ingress"), json());
  EXPECT_EQ(play.book.pending(), 1U);
  play.answer("mine", written({}, "3"));
  EXPECT_EQ(play.book.pending(), 0U);
  play.hear("mine", {}, "3");
  EXPECT_THAT(play.due(), IsEmpty());
}

TEST(StatusBook, WithdrawsWhatWasBeingWritten) {
  Play play;
  play.book.want(ours);
  play.serve("web");
  play.due();
  play.book.withdraw();
  EXPECT_EQ(play.book.pending(), 1U);
  EXPECT_THAT(play.due(), IsEmpty());
  play.answer("web", written(ours, "2"));
  EXPECT_THAT(play.due(), ElementsAre("web"));
}

TEST(StatusBook, ForgetsWhatIsDeletedEvenWhileItIsWritten) {
  Play play;
  play.book.want(ours);
  play.serve("web");
  play.due();
  play.book.forget({"shop", "web"});
  EXPECT_EQ(play.book.pending(), 0U);
  play.answer("web", written(ours, "2"));
  EXPECT_EQ(play.book.pending(), 0U);
  EXPECT_THAT(play.book.names(), IsEmpty());
}

TEST(StatusBook, APortOfALoadBalancerIsPartOfItsAddress) {
  const json service = json::parse(R"({"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": [
      {"ip": "203.0.113.1", "ports": [{"port": 443, "protocol": "TCP"}]}]}}})");
  const auto addresses = addresses_of_service(service);
  ASSERT_TRUE(addresses);
  EXPECT_EQ(to_json(*addresses),
            json::parse(R"([{"ip": "203.0.113.1", "ports": [{"port": 443, "protocol": "TCP"}]}])"));
  EXPECT_NE(*addresses, ours);
}

}  // namespace
}  // namespace fairlead

#include "watcher/event_book.hpp"

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
using testing::StartsWith;
using Time = EventBook::Time;

const EventBook::WallTime wall{seconds(1'800'000'000)};
const ApiAnswer done{201, "{}", {}, {}};

EventNote note(const std::string& ingress, const std::string& message, bool warning = true) {
  return {{"shop", ingress}, "uid-" + ingress, "7", warning, warning ? "Rejected" : "Sync", message};
}

class Play {
 public:
  explicit Play(EventLimits limits = {}) : book("fairlead", "fairlead-1", limits, 1) {}

  void add(const std::string& ingress, const std::string& message) { book.add(note(ingress, message), now); }
  // The request that is due, or one without a target.
  ApiRequest next() { return book.next(now, wall).value_or(ApiRequest{}); }
  void answer(const ApiAnswer& answer = done) { book.on_answer(answer, now); }
  // Writes all that may be written now; how many that was.
  int write_all() {
    int count = 0;
    while (book.next(now, wall)) {
      answer();
      ++count;
    }
    return count;
  }

  Time now{hours(1)};
  EventBook book;
};

TEST(EventBook, WritesAnEventThatKubectlShowsAtTheIngress) {
  Play play;
  play.add("web", "no such thing");
  const ApiRequest request = play.next();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/api/v1/namespaces/shop/events");
  const json event = json::parse(request.body);
  EXPECT_EQ(event.at("kind"), "Event");
  EXPECT_THAT(event.at("metadata").at("name").get<std::string>(), StartsWith("web."));
  EXPECT_EQ(event.at("metadata").at("namespace"), "shop");
  EXPECT_EQ(event.at("involvedObject"), (json{{"apiVersion", "networking.k8s.io/v1"},
                                              {"kind", "Ingress"},
                                              {"namespace", "shop"},
                                              {"name", "web"},
                                              {"uid", "uid-web"},
                                              {"resourceVersion", "7"}}));
  EXPECT_EQ(event.at("type"), "Warning");
  EXPECT_EQ(event.at("reason"), "Rejected");
  EXPECT_EQ(event.at("message"), "no such thing");
  EXPECT_EQ(event.at("source").at("component"), "fairlead");
  EXPECT_EQ(event.at("reportingInstance"), "fairlead-1");
  EXPECT_EQ(event.at("count"), 1);
  EXPECT_EQ(event.at("firstTimestamp"), "2027-01-15T08:00:00Z");
  play.answer();
  EXPECT_EQ(play.book.written(), 1U);
  EXPECT_EQ(play.book.wake_at(play.now), Time::max());
}

TEST(EventBook, TheSameAgainIsACountOnTheEventThatIsThere) {
  Play play;
  play.add("web", "no such thing");
  const std::string name = json::parse(play.next().body).at("metadata").at("name");
  play.answer();
  play.add("web", "no such thing");
  const ApiRequest request = play.next();
  EXPECT_EQ(request.method, "PATCH");
  EXPECT_EQ(request.target, "/api/v1/namespaces/shop/events/" + name);
  EXPECT_EQ(json::parse(request.body), (json{{"count", 2}, {"lastTimestamp", "2027-01-15T08:00:00Z"}}));
}

TEST(EventBook, RepetitionsThatWaitAreOneWrite) {
  Play play;
  for (int i = 0; i < 5; ++i) play.add("web", "no such thing");
  EXPECT_EQ(json::parse(play.next().body).at("count"), 5);
  play.add("web", "no such thing");  // while it is written
  play.answer();
  EXPECT_EQ(json::parse(play.next().body).at("count"), 6);
  play.answer();
  EXPECT_EQ(play.next().target, "");
}

TEST(EventBook, AnEventThatHasExpiredIsWrittenAnew) {
  Play play;
  play.add("web", "no such thing");
  play.write_all();
  play.add("web", "no such thing");
  EXPECT_EQ(play.next().method, "PATCH");
  play.answer({404, "{}", {}, {}});
  const ApiRequest again = play.next();
  EXPECT_EQ(again.method, "POST");
  EXPECT_EQ(json::parse(again.body).at("count"), 1);
  play.answer();
  EXPECT_EQ(play.next().target, "");
}

TEST(EventBook, OneIngressCannotFlood) {
  Play play;
  for (int i = 0; i < 1000; ++i) play.add("loud", "thing " + std::to_string(i));
  play.add("quiet", "a word");
  EXPECT_EQ(play.write_all(), 26);
  EXPECT_EQ(play.book.dropped(), 975U);
  play.now += seconds(300);
  play.add("loud", "later");
  play.add("loud", "and again");
  EXPECT_EQ(play.write_all(), 1);
}

TEST(EventBook, IsWrittenAtAPace) {
  EventLimits limits;
  limits.burst = 5;
  limits.writes_per_second = 2;
  Play play(limits);
  for (int i = 0; i < 20; ++i) play.add("web-" + std::to_string(i), "x");
  EXPECT_EQ(play.write_all(), 5);
  EXPECT_EQ(play.book.wake_at(play.now), play.now + milliseconds(500));
  play.now += seconds(3);
  EXPECT_EQ(play.write_all(), 5);  // no more than the burst, however long nothing was written
}

TEST(EventBook, MoreThanTheQueueHoldsIsDroppedAndCounted) {
  EventLimits limits;
  limits.max_queued = 3;
  Play play(limits);
  for (int i = 0; i < 5; ++i) play.add("web-" + std::to_string(i), "x");
  EXPECT_EQ(play.book.queued(), 3U);
  EXPECT_EQ(play.book.dropped(), 2U);
  EXPECT_EQ(play.write_all(), 3);
}

TEST(EventBook, WhatIsDroppedIsNotRemembered) {
  EventLimits limits;
  limits.max_queued = 3;
  Play play(limits);
  for (int i = 0; i < 5'000; ++i) play.add("web-" + std::to_string(i), "x");
  EXPECT_EQ(play.book.remembered(), 3U);
  play.add("web-2", "x");  // waits already: one more of the same
  EXPECT_EQ(play.book.dropped(), 4'997U);
  EXPECT_EQ(play.write_all(), 3);
}

TEST(EventBook, RemembersNoMoreThanItsLimit) {
  EventLimits limits;
  limits.max_remembered = 2;
  Play play(limits);
  for (const char* ingress : {"a", "b", "c"}) {
    play.add(ingress, "x");
    play.write_all();
  }
  play.add("c", "x");
  EXPECT_EQ(play.next().method, "PATCH");
  play.answer();
  play.add("a", "x");  // was forgotten
  EXPECT_EQ(play.next().method, "POST");
}

TEST(EventBook, AServerThatRefusesIsGivenTimeAndThenTheEventIsLetGo) {
  Play play;
  play.add("web", "x");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(play.next().method, "POST");
    play.answer({403, R"({"message":"events is forbidden"})", {}, {}});
    EXPECT_EQ(play.book.trouble(), "HTTP 403: events is forbidden");
    EXPECT_EQ(play.next().target, "");
    play.now += seconds(60);
  }
  EXPECT_EQ(play.next().target, "");
  EXPECT_EQ(play.book.dropped(), 1U);
  play.add("web", "x");
  EXPECT_EQ(play.next().method, "POST");
}

TEST(EventBook, WhatTheServerThinksWrongIsNotRepeated) {
  Play play;
  play.add("web", "x");
  play.next();
  play.answer({422, "{}", {}, {}});
  play.now += seconds(60);
  EXPECT_EQ(play.next().target, "");
  EXPECT_EQ(play.book.dropped(), 1U);
}

TEST(EventBook, ALongMessageIsCutBetweenTwoCharacters) {
  Play play;
  std::string message(1019, 'a');
  for (int i = 0; i < 10; ++i) message += "é";
  play.add("web", message);
  const std::string written = json::parse(play.next().body).at("message");
  EXPECT_LE(written.size(), 1024U);
  EXPECT_TRUE(written.ends_with("aé…") || written.ends_with("a…")) << written;
}

TEST(EventBook, WhatWaitsIsDroppedWhenAnotherReports) {
  Play play;
  play.add("a", "x");
  play.add("b", "x");
  play.next();
  play.book.drop_queued();
  play.answer();
  EXPECT_EQ(play.next().target, "");
  play.add("b", "x");
  EXPECT_EQ(json::parse(play.next().body).at("count"), 1);
}

}  // namespace
}  // namespace fairlead

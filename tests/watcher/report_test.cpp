#include "watcher/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/watcher/lease_server.hpp"

namespace fairlead {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;
using Errand = Report::Errand;
using Time = Report::Time;

ReportOptions options_of(const std::string& pod) {
  ReportOptions options;
  options.lease.ns = "ingress";
  options.lease.name = "leader";
  options.lease.identity = pod;
  options.addresses.pod = {"ingress", pod};
  options.addresses.publish_status_address = "203.0.113.1";
  return options;
}

json pods(const std::vector<std::string>& names) {
  json list = {{"items", json::array()}};
  for (const std::string& name : names) {
    list["items"].push_back(
        {{"metadata", {{"name", name}, {"labels", {{"app", "fairlead"}}}}}, {"status", {{"phase", "Running"}}}});
  }
  return list;
}

// A Report against an API server that keeps the Lease and takes all else.
class Play {
 public:
  explicit Play(LeaseServer& server, ReportOptions options = options_of("a"))
      : report(std::move(options), 1), server_(server) {}

  void hear(const std::string& name, std::uint64_t generation = 1) {
    ReportNews news;
    news.facts.emplace_back(ObjectName{"shop", name}, IngressFacts{"uid-" + name, "1", {}});
    news.served.push_back({{"shop", name}, true, generation});
    report.hear(std::move(news), now);
  }
  void tell(const Problem& problem) {
    ReportNews news;
    news.problems = {problem};
    report.hear(std::move(news), now);
  }

  // Does all that is due until nothing is; what that was: "lease PUT", "status web", "event Sync web", "pods", …
  std::vector<std::string> run() {
    std::vector<std::string> done;
    for (auto calls = report.due(now, wall()); !calls.empty(); calls = report.due(now, wall())) {
      for (const Report::Call& call : calls) {
        done.push_back(text_of(call));
        report.on_answer(call, answer(call), now);
      }
    }
    return done;
  }

  Time now{hours(1)};
  Report report;
  json replicas = pods({"a"});
  int status_answer = 200;

 private:
  Report::WallTime wall() const {
    return Report::WallTime(std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()));
  }

  static std::string text_of(const Report::Call& call) {
    const json body = call.request.body.empty() ? json::object() : json::parse(call.request.body);
    switch (call.errand) {
      case Errand::lease:
        return "lease " + call.request.method;
      case Errand::status:
        return (body.at("status").at("loadBalancer").at("ingress").empty() ? "remove status " : "status ") +
               call.ingress.name;
      case Errand::event:
        if (call.request.method == "PATCH") return "event again";
        return "event " + body.at("reason").get<std::string>() + " " +
               body.at("involvedObject").at("name").get<std::string>();
      default:
        return call.request.target;
    }
  }

  ApiAnswer answer(const Report::Call& call) {
    if (call.errand == Errand::lease) return server_.answer(call.request);
    if (call.errand == Errand::own_pod) return {200, replicas.at("items").at(0).dump(), {}, {}};
    if (call.errand == Errand::replicas) return {200, replicas.dump(), {}, {}};
    if (call.errand != Errand::status) return {201, "{}", {}, {}};
    if (status_answer != 200) return {status_answer, "{}", {}, {}};
    json object = json::parse(call.request.body);
    object["metadata"]["resourceVersion"] = std::to_string(++version_);
    return {200, object.dump(), {}, {}};
  }

  LeaseServer& server_;
  int version_ = 1;
};

TEST(Report, TheLeaderWritesStatusAndEvents) {
  LeaseServer server;
  Play play(server);
  play.hear("web");
  play.report.live(1);
  const auto done = play.run();
  EXPECT_THAT(done, IsSupersetOf({"lease GET", "lease POST", "status web", "event Sync web"}));
  EXPECT_EQ(done.size(), 4U);
  play.now += milliseconds(1);
  EXPECT_THAT(play.run(), IsEmpty());
}

TEST(Report, NothingIsWrittenBeforeTheLeaseIsOurs) {
  LeaseServer server;
  Play leader(server), other(server, options_of("b"));
  leader.run();
  other.hear("web");
  other.report.live(1);
  EXPECT_THAT(other.run(), ElementsAre("lease GET"));
  EXPECT_FALSE(other.report.leading());
}

TEST(Report, AnotherTakesOverWithoutRepeatingWhatIsRight) {
  LeaseServer server;
  Play leader(server), other(server, options_of("b"));
  leader.run();
  other.hear("web");
  other.report.live(1);
  other.run();
  ReportNews heard;  // the leader has written it
  heard.facts.emplace_back(ObjectName{"shop", "web"}, IngressFacts{"uid", "2", published_addresses("203.0.113.1")});
  other.report.hear(std::move(heard), other.now);
  other.hear("new");
  std::vector<std::string> done;
  for (; !other.report.leading(); other.now += seconds(1)) {
    const auto more = other.run();
    done.insert(done.end(), more.begin(), more.end());
  }
  EXPECT_EQ(server.holder(), "b");
  EXPECT_THAT(done, Contains("status new"));
  EXPECT_THAT(done, Not(Contains("status web")));
  EXPECT_THAT(done, Not(Contains("event Sync web")));  // "a" has told that
}

TEST(Report, WhoLosesTheLeaseDropsWhatIsUnderWay) {
  LeaseServer server;
  Play play(server);
  play.run();
  server.failing = true;
  play.hear("web");
  play.report.live(1);
  const auto calls = play.report.due(play.now, {});
  ASSERT_FALSE(calls.empty());
  EXPECT_FALSE(play.report.take_lost());
  play.now += seconds(15);
  play.report.due(play.now, {});
  EXPECT_TRUE(play.report.take_lost());
  EXPECT_FALSE(play.report.take_lost());
  EXPECT_FALSE(play.report.leading());
}

TEST(Report, WakesToNoticeThatItLeadsNoLonger) {
  LeaseServer server;
  Play play(server);
  play.run();
  const Time until = play.report.lease().leading_until();
  play.now = until - seconds(8);
  EXPECT_LE(play.report.wake_at(play.now), until);
}

TEST(Report, AnAddressWaitsForEveryWorker) {
  LeaseServer server;
  Play play(server);
  play.hear("web", 7);
  play.report.live(6);
  EXPECT_THAT(play.run(), Not(Contains("status web")));
  EXPECT_TRUE(play.report.waits_for_generation());
  play.report.live(7);
  EXPECT_THAT(play.run(), ElementsAre("status web"));
}

TEST(Report, ProblemsOfAnIngressAreEvents) {
  LeaseServer server;
  Play play(server);
  play.hear("web");
  play.run();
  play.tell({{"Ingress", "shop", "web"}, "spec.rules[0]", "no such Service", Severity::error});
  play.tell({{"Ingress", "shop", "web"}, "metadata.annotations[\"x\"]", "must be a number", Severity::warning});
  play.tell({{"Ingress", "shop", "web"}, "", "another class", Severity::notice});
  play.tell({{"Ingress", "shop", "gone"}, "", "who?", Severity::error});
  play.tell({{"Service", "shop", "web"}, "", "not an Ingress", Severity::error});
  EXPECT_THAT(play.run(), ElementsAre("event Rejected web", "event AnnotationParsingFailed web", "event Notice web"));
}

TEST(Report, SyncEventsCanBeSwitchedOff) {
  LeaseServer server;
  ReportOptions options = options_of("a");
  options.sync_events = false;
  Play play(server, options);
  play.hear("web");
  play.report.live(1);
  EXPECT_THAT(play.run(), ElementsAre("lease GET", "lease POST", "status web"));
}

TEST(Report, StatusCanBeSwitchedOff) {
  LeaseServer server;
  ReportOptions options = options_of("a");
  options.update_status = false;
  options.addresses.publish_status_address = "";
  options.addresses.publish_service = "ingress/lb";
  Play play(server, options);
  EXPECT_TRUE(play.report.take_resources().empty());
  play.hear("web");
  play.report.live(1);
  EXPECT_THAT(play.run(), ElementsAre("lease GET", "lease POST", "event Sync web"));
  play.report.stop();
  EXPECT_THAT(play.run(), ElementsAre("lease PUT"));
  EXPECT_TRUE(play.report.finished());
}

TEST(Report, WithoutElectionItLeadsAtOnceAndTouchesNoLease) {
  LeaseServer server;
  ReportOptions options = options_of("a");
  options.elect = false;
  Play play(server, options);
  play.hear("web");
  play.report.live(1);
  EXPECT_THAT(play.run(), ElementsAre("status web", "event Sync web"));
  play.report.stop();
  EXPECT_THAT(play.run(), Contains("remove status web"));
  EXPECT_TRUE(play.report.finished());
  EXPECT_EQ(server.requests, 0);
}

TEST(Report, TheLastReplicaRemovesTheAddressesThenGivesTheLeaseBack) {
  LeaseServer server;
  Play play(server);
  play.hear("web");
  play.report.live(1);
  play.run();
  play.report.stop();
  EXPECT_THAT(play.run(), ElementsAre("/api/v1/namespaces/ingress/pods/a",
                                      "/api/v1/namespaces/ingress/pods?labelSelector=app%3Dfairlead",
                                      "remove status web", "lease PUT"));
  EXPECT_TRUE(play.report.finished());
  EXPECT_EQ(server.holder(), "");
  EXPECT_THAT(play.run(), IsEmpty());
}

TEST(Report, WhileOthersGoOnTheAddressesStay) {
  LeaseServer server;
  Play play(server);
  play.replicas = pods({"a", "b"});
  play.hear("web");
  play.report.live(1);
  play.run();
  play.report.stop();
  EXPECT_THAT(play.run(), Not(Contains("remove status web")));
  EXPECT_TRUE(play.report.finished());
  EXPECT_EQ(server.holder(), "");
}

TEST(Report, TheAddressesStayIfThatIsAskedFor) {
  LeaseServer server;
  ReportOptions options = options_of("a");
  options.withdraw_on_stop = false;
  Play play(server, options);
  play.hear("web");
  play.report.live(1);
  play.run();
  play.report.stop();
  EXPECT_THAT(play.run(), ElementsAre("lease PUT"));
  EXPECT_TRUE(play.report.finished());
}

TEST(Report, WhoDoesNotLeadStopsWithoutAWordAndNeverLeads) {
  LeaseServer server;
  Play leader(server), other(server, options_of("b"));
  leader.run();
  other.hear("web");
  other.run();
  other.report.stop();
  EXPECT_THAT(other.run(), IsEmpty());
  EXPECT_TRUE(other.report.finished());
}

TEST(Report, ALeaderThatCannotRemoveKeepsTheLeaseWhileItTries) {
  LeaseServer server;
  Play play(server);
  play.hear("web");
  play.report.live(1);
  play.run();
  play.report.stop();
  play.status_answer = 500;
  play.run();
  EXPECT_FALSE(play.report.finished());
  EXPECT_GT(play.report.wake_at(play.now), play.now);
  for (int i = 0; i < 30; ++i) {
    play.now += seconds(1);
    play.run();
  }
  EXPECT_TRUE(play.report.leading());
  play.status_answer = 200;
  std::vector<std::string> done;
  for (int i = 0; i < 70 && !play.report.finished(); ++i) {
    play.now += seconds(1);
    const auto more = play.run();
    done.insert(done.end(), more.begin(), more.end());
  }
  EXPECT_THAT(done, Contains("remove status web"));
  EXPECT_TRUE(play.report.finished());
}

}  // namespace
}  // namespace fairlead

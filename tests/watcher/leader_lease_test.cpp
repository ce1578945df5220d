#include "watcher/leader_lease.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "tests/watcher/lease_server.hpp"

namespace fairlead {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Time = LeaderLease::Time;

LeaseOptions options_of(const std::string& identity) {
  LeaseOptions options;
  options.ns = "ingress";
  options.name = "leader";
  options.identity = identity;
  return options;  // 30 s, 15 s, 7.5 s
}

const Time start{hours(1)};
const LeaderLease::WallTime wall{seconds(1'800'000'000)};

LeaderLease::WallTime wall_at(Time now) {
  return wall + std::chrono::duration_cast<std::chrono::microseconds>(now - start);
}

// One replica, at the time of a test.
class Replica {
 public:
  explicit Replica(const std::string& identity, LeaseServer& server, std::uint32_t seed = 1)
      : lease(options_of(identity), seed), server_(server) {}

  // Does all that is due.
  void run(Time now) {
    while (const auto request = lease.next(now, wall_at(now))) lease.on_answer(server_.answer(*request), now);
  }
  // Up to a time, waking when it wants to.
  void run_until(Time from, Time to) {
    for (Time now = from; now <= to; now = std::max(now + milliseconds(1), lease.wake_at())) run(now);
  }

  LeaderLease lease;

 private:
  LeaseServer& server_;
};

TEST(LeaderLease, TheFirstReplicaCreatesTheLeaseAndLeads) {
  LeaseServer server;
  Replica a("a", server);
  EXPECT_FALSE(a.lease.leading(start));
  a.run(start);
  EXPECT_TRUE(a.lease.leading(start));
  EXPECT_EQ(server.requests, 2);  // looked, created
  EXPECT_EQ(server.lease->at("kind"), "Lease");
  EXPECT_EQ(server.lease->at("metadata").at("name"), "leader");
  EXPECT_EQ(server.lease->at("metadata").at("namespace"), "ingress");
  EXPECT_EQ(server.spec(), (nlohmann::json{{"holderIdentity", "a"},
                                           {"leaseDurationSeconds", 30},
                                           {"acquireTime", "2027-01-15T08:00:00.000000Z"},
                                           {"renewTime", "2027-01-15T08:00:00.000000Z"},
                                           {"leaseTransitions", 0}}));
}

TEST(LeaderLease, TheLeaderRenewsWithOneRequestARetryPeriod) {
  LeaseServer server;
  Replica a("a", server);
  a.run(start);
  const int before = server.requests;
  EXPECT_EQ(a.lease.wake_at(), start + milliseconds(7'500));
  a.run_until(start, start + seconds(75));
  EXPECT_EQ(server.requests - before, 10);
  EXPECT_TRUE(a.lease.leading(start + seconds(75)));
  EXPECT_EQ(server.spec().at("leaseTransitions"), 0);
}

TEST(LeaderLease, OthersWaitWhileItIsRenewed) {
  LeaseServer server;
  Replica a("a", server), b("b", server, 2);
  a.run(start);
  for (Time now = start; now < start + seconds(300); now += milliseconds(250)) {
    a.run(now);
    b.run(now);
    ASSERT_TRUE(a.lease.leading(now));
    ASSERT_FALSE(b.lease.leading(now));
  }
  EXPECT_EQ(b.lease.holder(), "a");
}

TEST(LeaderLease, AnotherTakesOverOnceTheRecordWasNotSeenToChangeForTheDuration) {
  LeaseServer server;
  Replica a("a", server), b("b", server, 2);
  a.run(start);
  b.run(start);  // sees it now; a is killed
  b.run_until(start, start + seconds(30) - milliseconds(1));
  EXPECT_EQ(server.holder(), "a");
  b.run_until(start + seconds(30) - milliseconds(1), start + seconds(30));
  EXPECT_TRUE(b.lease.leading(start + seconds(30)));
  EXPECT_EQ(server.spec().at("leaseTransitions"), 1);
}

TEST(LeaderLease, WhatTheClockOfAnotherMachineSaysDecidesNothing) {
  LeaseServer server;
  server.lease = {{"metadata", {{"name", "leader"}, {"resourceVersion", "0"}}},
                  {"spec",
                   {{"holderIdentity", "a"},
                    {"leaseDurationSeconds", 30},
                    {"renewTime", "1999-01-01T00:00:00.000000Z"}}}};  // long ago, by its clock
  Replica b("b", server);
  b.run(start);
  EXPECT_FALSE(b.lease.leading(start));
  b.run_until(start, start + seconds(29));
  EXPECT_EQ(server.holder(), "a");
  server.lease->at("spec")["renewTime"] = "2999-01-01T00:00:00.000000Z";  // in the future: renewed once
  b.run_until(start + seconds(29), start + seconds(57));
  EXPECT_EQ(server.holder(), "a");
  b.run_until(start + seconds(57), start + seconds(70));
  EXPECT_EQ(server.holder(), "b");
}

TEST(LeaderLease, TheDurationThatItsHolderChoseCounts) {
  LeaseServer server;
  server.lease = {{"metadata", {{"name", "leader"}, {"resourceVersion", "0"}}},
                  {"spec", {{"holderIdentity", "a"}, {"leaseDurationSeconds", 120}}}};
  Replica b("b", server);
  b.run(start);
  b.run_until(start, start + seconds(119));
  EXPECT_EQ(server.holder(), "a");
  b.run_until(start + seconds(119), start + seconds(120));
  EXPECT_EQ(server.holder(), "b");
}

TEST(LeaderLease, ALeaderThatCannotRenewStopsLeadingBeforeOthersMayBegin) {
  LeaseServer server;
  Replica a("a", server);
  a.run(start);
  server.failing = true;
  a.run_until(start, start + seconds(15) - milliseconds(1));
  EXPECT_TRUE(a.lease.leading(start + seconds(15) - milliseconds(1)));
  EXPECT_THAT(a.lease.trouble(), testing::HasSubstr("connection refused"));
  EXPECT_FALSE(a.lease.leading(start + seconds(15)));
  server.failing = false;
  a.run_until(start + seconds(15), start + seconds(30));
  EXPECT_TRUE(a.lease.leading(start + seconds(30)));  // nobody else came
  EXPECT_EQ(a.lease.trouble(), "");
  EXPECT_EQ(server.spec().at("leaseTransitions"), 0);
}

TEST(LeaderLease, ItCountsFromBeforeItAskedHoweverLongTheAnswerTook) {
  LeaseServer server;
  LeaderLease a(options_of("a"), 1);
  a.on_answer(server.answer(*a.next(start, wall)), start);
  const auto create = a.next(start, wall);
  ASSERT_TRUE(create);
  const ApiAnswer answer = server.answer(*create);
  a.on_answer(answer, start + seconds(14));
  EXPECT_TRUE(a.leading(start + seconds(14)));
  EXPECT_FALSE(a.leading(start + seconds(15)));
}

TEST(LeaderLease, AnAnswerThatComesTooLateMakesNoLeader) {
  LeaseServer server;
  LeaderLease a(options_of("a"), 1);
  a.on_answer(server.answer(*a.next(start, wall)), start);
  const ApiAnswer answer = server.answer(*a.next(start, wall));
  a.on_answer(answer, start + seconds(16));
  EXPECT_FALSE(a.leading(start + seconds(16)));
}

TEST(LeaderLease, OfTwoWhoSeeItFreeOneGetsIt) {
  LeaseServer server;
  LeaderLease a(options_of("a"), 1), b(options_of("b"), 2);
  a.on_answer(server.answer(*a.next(start, wall)), start);
  b.on_answer(server.answer(*b.next(start, wall)), start);
  const auto create_a = a.next(start, wall), create_b = b.next(start, wall);
  ASSERT_TRUE(create_a && create_b);
  a.on_answer(server.answer(*create_a), start);
  b.on_answer(server.answer(*create_b), start);
  EXPECT_TRUE(a.leading(start));
  EXPECT_FALSE(b.leading(start));
}

TEST(LeaderLease, ALeaderThatWasOverwrittenLooksAtOnceAndYields) {
  LeaseServer server;
  Replica a("a", server);
  a.run(start);
  server.lease->at("spec")["holderIdentity"] = "somebody";  // by hand, say
  ++server.version;
  server.lease->at("metadata")["resourceVersion"] = std::to_string(server.version);
  a.run(start + milliseconds(7'500));
  EXPECT_FALSE(a.lease.leading(start + milliseconds(7'500)));
  EXPECT_EQ(a.lease.holder(), "somebody");
}

TEST(LeaderLease, ALeaderWhoseLeaseWasTouchedByAnotherGoesOn) {
  LeaseServer server;
  Replica a("a", server);
  a.run(start);
  server.lease->at("metadata")["labels"] = {{"team", "edge"}};
  ++server.version;
  server.lease->at("metadata")["resourceVersion"] = std::to_string(server.version);
  a.run(start + milliseconds(7'500));
  EXPECT_TRUE(a.lease.leading(start + seconds(20)));
  EXPECT_EQ(server.lease->at("metadata").at("labels").at("team"), "edge");
}

TEST(LeaderLease, IsGivenBackOnStoppingSoThatAnotherTakesItAtOnce) {
  LeaseServer server;
  Replica a("a", server), b("b", server, 2);
  a.run(start);
  b.run(start);
  a.lease.release();
  EXPECT_FALSE(a.lease.released(start));
  a.run(start);
  EXPECT_TRUE(a.lease.released(start));
  EXPECT_FALSE(a.lease.leading(start));
  EXPECT_EQ(server.holder(), "");
  EXPECT_EQ(a.lease.holder(), "");
  EXPECT_EQ(a.lease.next(start + hours(1), wall), std::nullopt);
  b.run_until(start, start + milliseconds(7'500));
  EXPECT_EQ(server.holder(), "b");
}

TEST(LeaderLease, WhoDoesNotLeadHasNothingToGiveBack) {
  LeaseServer server;
  Replica a("a", server), b("b", server, 2);
  a.run(start);
  b.run(start);
  const int before = server.requests;
  b.lease.release();
  EXPECT_TRUE(b.lease.released(start));
  b.run(start + hours(1));
  EXPECT_EQ(server.requests, before);
}

TEST(LeaderLease, AReplicaThatWasRestartedUnderItsNameGoesOnAtOnce) {
  LeaseServer server;
  Replica a("a", server);
  a.run(start);
  Replica again("a", server);
  again.run(start + seconds(1));
  EXPECT_TRUE(again.lease.leading(start + seconds(1)));
  EXPECT_EQ(server.spec().at("leaseTransitions"), 0);
}

TEST(LeaderLease, IsForbiddenSaysSoAndTriesAgain) {
  LeaderLease a(options_of("a"), 1);
  ASSERT_TRUE(a.next(start, wall));
  a.on_answer({403, R"({"message":"leases is forbidden"})", {}, {}}, start);
  EXPECT_EQ(a.trouble(), "HTTP 403: leases is forbidden");
  EXPECT_EQ(a.next(start, wall), std::nullopt);
  EXPECT_LE(a.wake_at(), start + milliseconds(7'500));
  EXPECT_TRUE(a.next(a.wake_at(), wall));
}

// Three replicas, whose requests and answers are lost or slow at random, who are killed and come back.
TEST(LeaderLease, TwoNeverLeadWhateverHappensToTheirRequests) {
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    struct Node {
      std::unique_ptr<LeaderLease> lease;
      std::optional<std::pair<Time, ApiAnswer>> answer;  // on its way
    };
    std::mt19937 chance(seed);
    const auto one_in = [&](unsigned n) { return chance() % n == 0; };
    LeaseServer server;
    std::vector<Node> nodes(3);
    int leaders_seen = 0;
    std::string last;
    for (Time now = start; now < start + seconds(600); now += milliseconds(100)) {
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        Node& node = nodes[i];
        const std::string name = "replica-" + std::to_string(i) + "-" + std::to_string(chance());
        if (!node.lease && one_in(50)) node.lease = std::make_unique<LeaderLease>(options_of(name), chance());
        if (!node.lease) continue;
        if (one_in(600)) {
          node = {};  // killed
          continue;
        }
        if (node.answer && node.answer->first <= now) {
          const ApiAnswer answer = std::exchange(node.answer, std::nullopt)->second;
          node.lease->on_answer(answer, now);
        }
        if (const auto request = node.lease->next(now, wall_at(now))) {
          ApiAnswer answer = one_in(6) ? ApiAnswer{0, {}, "cut", {}} : server.answer(*request);
          if (one_in(6)) answer = {0, {}, "timed out", {}};  // carried out, but nobody knows
          node.answer = {now + milliseconds(chance() % (one_in(10) ? 7'500 : 200)), answer};
        }
      }
      std::string leader;
      for (const Node& node : nodes) {
        if (!node.lease || !node.lease->leading(now)) continue;
        ASSERT_EQ(leader, "") << "two lead, seed " << seed;
        leader = node.lease->holder().value_or("?");
      }
      if (!leader.empty() && leader != last) ++leaders_seen;
      if (!leader.empty()) last = leader;
    }
    EXPECT_GT(leaders_seen, 2) << "seed " << seed;
  }
}

}  // namespace
}  // namespace fairlead

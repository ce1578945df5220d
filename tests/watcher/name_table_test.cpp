#include "watcher/name_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairlead {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Type = NameReply::Type;

class Names : public testing::Test {
 protected:
  void want(const std::vector<std::string>& names) {
    NameTable::Serials serials;
    for (const std::string& name : names) serials.emplace(name, 1);
    table.want(serials, now);
  }
  // What is asked now: "A a.test".
  std::vector<std::string> asked() {
    std::vector<std::string> texts;
    while (auto question = table.next(now)) {
      texts.push_back((question->family == AddressFamily::v4 ? "A " : "AAAA ") + question->name);
      open.push_back(std::move(*question));
    }
    return texts;
  }
  // To the oldest question that is open.
  void reply(NameReply given) {
    asked();
    ASSERT_FALSE(open.empty());
    const NameQuestion question = open.front();
    open.erase(open.begin());
    table.on_reply(question, std::move(given), now);
  }
  void answer(const std::vector<std::string>& addresses, seconds ttl = seconds(60)) {
    NameReply given{Type::addresses, {}, ttl, {}};
    for (const std::string& text : addresses) given.addresses.push_back(*IpAddress::parse(text));
    reply(given);
  }
  void fail(const std::string& reason = "nobody answers") { reply({Type::failed, {}, {}, reason}); }
  void deny(Type type) { reply({type, {}, {}, {}}); }

  // "a.test 192.0.2.1; trouble", one a name that there is news of.
  std::vector<std::string> told() {
    std::vector<std::string> texts;
    for (const auto& [name, answer] : table.take_news()) {
      std::string text = name;
      for (const IpAddress& address : answer.addresses) text += " " + address.to_string();
      texts.push_back(answer.trouble.empty() ? text : text + "; " + answer.trouble);
    }
    return texts;
  }

  // Lets time pass; what is due then is asked.
  std::vector<std::string> asked_after(milliseconds time) {
    now += time;
    return asked();
  }

  NameLimits limits;
  NameTable::Time now{hours(1)};
  NameTable table{limits, AddressFamily::v4, 1};
  std::vector<NameQuestion> open;
};

TEST_F(Names, EachIsAskedForOnceWhenItIsWanted) {
  EXPECT_EQ(table.wake_at(), NameTable::Time::max());
  want({"a.test", "b.test"});
  EXPECT_EQ(table.wake_at(), now);
  EXPECT_THAT(asked(), ElementsAre("A a.test", "A b.test"));
  want({"a.test", "b.test"});
  EXPECT_THAT(asked(), IsEmpty());
  answer({"192.0.2.1"});
  EXPECT_THAT(told(), ElementsAre("a.test 192.0.2.1"));
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(Names, AnAnswerCountsForItsTtl) {
  want({"a.test"});
  answer({"192.0.2.1"}, seconds(30));
  EXPECT_EQ(table.wake_at(), now + seconds(30));
  EXPECT_THAT(asked_after(milliseconds(29'999)), IsEmpty());
  EXPECT_THAT(asked_after(milliseconds(1)), ElementsAre("A a.test"));
}

TEST_F(Names, ATtlHasAFloorAndACap) {
  want({"a.test"});
  answer({"192.0.2.1"}, seconds(0));
  EXPECT_EQ(table.wake_at(), now + limits.min_ttl);
  now += limits.min_ttl;
  answer({"192.0.2.1"}, seconds(1'000'000'000));
  EXPECT_EQ(table.wake_at(), now + limits.max_ttl);
}

TEST_F(Names, OnlyADifferentAnswerIsNews) {
  want({"a.test"});
  answer({"192.0.2.2", "192.0.2.1", "192.0.2.2"});
  EXPECT_THAT(told(), ElementsAre("a.test 192.0.2.1 192.0.2.2"));
  now += seconds(60);
  answer({"192.0.2.1", "192.0.2.2"});  // in another order
  EXPECT_THAT(told(), IsEmpty());
  now += seconds(60);
  answer({"192.0.2.3"});
  EXPECT_THAT(told(), ElementsAre("a.test 192.0.2.3"));
}

TEST_F(Names, TheOtherFamilyIsUsedByNamesThatHaveNoneOfTheFirst) {
  want({"a.test"});
  deny(Type::no_address);
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_THAT(asked(), ElementsAre("AAAA a.test"));
  answer({"2001:db8::1"}, seconds(30));
  EXPECT_THAT(told(), ElementsAre("a.test 2001:db8::1"));
  EXPECT_THAT(asked_after(seconds(30)), ElementsAre("A a.test"));
}

TEST_F(Names, WhereThereIsOnlyIpv6ItGoesFirst) {
  table = NameTable(limits, AddressFamily::v6, 1);
  want({"a.test"});
  EXPECT_THAT(asked(), ElementsAre("AAAA a.test"));
  deny(Type::no_name);
  EXPECT_THAT(asked(), ElementsAre("A a.test")) << "some servers deny a name that has no AAAA records";
  answer({"192.0.2.1"});
  EXPECT_THAT(told(), ElementsAre("a.test 192.0.2.1"));
}

TEST_F(Names, OneThatDoesNotExistIsAskedForAgainSoon) {
  want({"a.test"});
  deny(Type::no_name);
  deny(Type::no_name);
  EXPECT_THAT(told(), ElementsAre("a.test; does not exist (NXDOMAIN)"));
  EXPECT_EQ(table.wake_at(), now + limits.negative_ttl);
  now += limits.negative_ttl;
  answer({"192.0.2.1"});
  EXPECT_THAT(told(), ElementsAre("a.test 192.0.2.1"));
}

TEST_F(Names, OneThatIsGoneLosesItsAddresses) {
  want({"a.test"});
  answer({"192.0.2.1"});
  told();
  now += seconds(60);
  deny(Type::no_address);
  deny(Type::no_address);
  EXPECT_THAT(told(), ElementsAre("a.test; has no address"));
}

TEST_F(Names, WhatIsKnownIsKeptWhileNobodyCanBeAsked) {
  want({"a.test"});
  answer({"192.0.2.1"});
  told();
  now += seconds(60);
  fail("Timeout");
  EXPECT_THAT(told(),
              ElementsAre("a.test 192.0.2.1; cannot be resolved: Timeout; the last addresses known stay in use"));
  now = table.wake_at();
  fail("Timeout");
  EXPECT_THAT(told(), IsEmpty());
  now = table.wake_at();
  answer({"192.0.2.1"});
  EXPECT_THAT(told(), ElementsAre("a.test 192.0.2.1"));
}

TEST_F(Names, AFailureIsToldToWhoeverWaitsForTheFirstAnswer) {
  want({"a.test"});
  fail("Timeout");
  EXPECT_THAT(told(), ElementsAre("a.test; cannot be resolved: Timeout"));
}

TEST_F(Names, FailuresAreRetriedLaterAndLaterUpToALimit) {
  want({"a.test"});
  fail();
  EXPECT_LE(table.wake_at(), now + limits.retry.first);
  EXPECT_GT(table.wake_at(), now);
  for (int i = 0; i < 20; ++i) {
    now = table.wake_at();
    fail();
    EXPECT_LE(table.wake_at(), now + limits.retry.most);
  }
  EXPECT_GE(table.wake_at(), now + limits.retry.most / 2);
  now = table.wake_at();
  answer({"192.0.2.1"}, seconds(30));
  now += seconds(30);
  fail();
  EXPECT_LE(table.wake_at(), now + limits.retry.first) << "a success forgets the failures before it";
}

TEST_F(Names, OneThatIsNotWantedAnyMoreIsForgotten) {
  want({"a.test", "b.test"});
  answer({"192.0.2.1"}, seconds(30));
  told();
  want({"b.test"});
  answer({"192.0.2.2"}, seconds(60));
  EXPECT_THAT(told(), ElementsAre("b.test 192.0.2.2"));
  EXPECT_THAT(asked_after(seconds(31)), IsEmpty());
}

TEST_F(Names, AReplyToAQuestionOfAnEarlierWantIsNoAnswer) {
  want({"a.test"});
  EXPECT_THAT(asked(), ElementsAre("A a.test"));
  want({});
  want({"a.test"});
  EXPECT_THAT(asked(), ElementsAre("A a.test"));
  fail();
  EXPECT_THAT(told(), IsEmpty());
  answer({"192.0.2.1"});
  EXPECT_THAT(told(), ElementsAre("a.test 192.0.2.1"));
}

TEST_F(Names, WhatIsKnownIsToldAgainToWhoeverForgotIt) {
  want({"a.test"});
  answer({"192.0.2.1"});
  told();
  table.want({{"a.test", 2}}, now);
  EXPECT_THAT(told(), ElementsAre("a.test 192.0.2.1"));
  EXPECT_THAT(asked(), IsEmpty());
}

TEST_F(Names, NoMoreQuestionsThanTheLimitAreUnderWay) {
  std::vector<std::string> many;
  for (std::size_t i = 0; i < limits.max_in_flight + 5; ++i) many.push_back(std::to_string(i) + ".test");
  want(many);
  EXPECT_EQ(asked().size(), limits.max_in_flight);
  EXPECT_EQ(table.wake_at(), NameTable::Time::max());
  want({});
  EXPECT_THAT(asked(), IsEmpty());
  want({"a.test"});
  EXPECT_THAT(asked(), IsEmpty()) << "questions nobody waits for are under way all the same";
  table.on_reply(open.front(), {}, now);
  EXPECT_THAT(asked(), ElementsAre("A a.test"));
}

TEST_F(Names, AreNoMoreThanTheLimitAndThoseThatAreThereStay) {
  limits.max_names = 2;
  NameTable small(limits, AddressFamily::v4, 1);
  table = std::move(small);
  want({"m.test", "n.test"});
  EXPECT_THAT(asked(), UnorderedElementsAre("A m.test", "A n.test"));
  want({"a.test", "m.test", "n.test"});
  EXPECT_THAT(asked(), IsEmpty());
  EXPECT_THAT(told(), ElementsAre(HasSubstr("a.test; is not resolved, since there are 2 other names")));
  want({"a.test", "m.test", "n.test"});
  EXPECT_THAT(told(), IsEmpty());
  want({"a.test", "m.test"});
  EXPECT_THAT(asked(), ElementsAre("A a.test"));
}

TEST_F(Names, HaveNoMoreAddressesThanTheLimit) {
  want({"a.test"});
  std::vector<std::string> many;
  for (std::size_t i = limits.max_addresses + 1; i > 0; --i) many.push_back("192.0.2." + std::to_string(i));
  answer(many);
  const auto news = table.take_news();
  ASSERT_EQ(news.size(), 1u);
  EXPECT_EQ(news[0].second.addresses.size(), limits.max_addresses);
  EXPECT_EQ(news[0].second.addresses.front(), IpAddress::parse("192.0.2.1"));
  EXPECT_THAT(news[0].second.trouble, HasSubstr("more than 64 addresses"));
}

}  // namespace
}  // namespace fairlead

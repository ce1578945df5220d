#include "watcher/dns_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "tests/support/fake_dns_server.hpp"

namespace fairlead {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::FakeDnsServer;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class Dns : public testing::Test {
 protected:
  Dns() { use(server.address()); }

  void use(const std::string& servers) {
    auto created = DnsClient::create(servers, patience);
    ASSERT_TRUE(created) << created.error().message;
    client = std::move(*created);
  }

  NameReply ask(const std::string& name, AddressFamily family = AddressFamily::v4) {
    client->ask({name, family, ++last});
    const auto until = std::chrono::steady_clock::now() + seconds(30);
    while (std::chrono::steady_clock::now() < until) {
      for (auto& [question, reply] : client->run(seconds(1))) {
        EXPECT_EQ(question.id, last);
        return reply;
      }
    }
    ADD_FAILURE() << "no reply about " << name;
    return {};
  }
  static std::vector<std::string> texts(const NameReply& reply) {
    std::vector<std::string> all;
    for (const IpAddress& address : reply.addresses) all.push_back(address.to_string());
    return all;
  }

  milliseconds patience{2'000};
  FakeDnsServer server;
  std::unique_ptr<DnsClient> client;
  std::uint64_t last = 0;
};

TEST_F(Dns, TellsTheAddressesOfAFamilyWithTheirTtl) {
  server.put("a.test", {"192.0.2.1", "192.0.2.2", "2001:db8::1"}, 17);
  const NameReply four = ask("a.test");
  EXPECT_EQ(four.type, NameReply::Type::addresses);
  EXPECT_THAT(texts(four), UnorderedElementsAre("192.0.2.1", "192.0.2.2"));
  EXPECT_EQ(four.ttl, seconds(17));
  const NameReply six = ask("a.test", AddressFamily::v6);
  EXPECT_THAT(texts(six), ElementsAre("2001:db8::1"));
  EXPECT_EQ(six.ttl, seconds(17));
}

TEST_F(Dns, FollowsAliasesAndTakesTheLeastTtlOfTheWay) {
  server.put_alias("www.test", "edge.test", 5);
  server.put_alias("edge.test", "a.test", 300);
  server.put("a.test", {"192.0.2.1", "2001:db8::1"}, 60);
  const NameReply four = ask("www.test");
  EXPECT_THAT(texts(four), ElementsAre("192.0.2.1"));
  EXPECT_EQ(four.ttl, seconds(5));
  const NameReply six = ask("www.test", AddressFamily::v6);
  EXPECT_THAT(texts(six), ElementsAre("2001:db8::1"));
  EXPECT_EQ(six.ttl, seconds(5));
}

TEST_F(Dns, TellsNoSuchNameFromNoAddress) {
  server.put("a.test", {"192.0.2.1"});
  server.put_alias("nowhere.test", "gone.test");
  EXPECT_EQ(ask("gone.test").type, NameReply::Type::no_name);
  EXPECT_EQ(ask("a.test", AddressFamily::v6).type, NameReply::Type::no_address);
  EXPECT_EQ(ask("nowhere.test").type, NameReply::Type::no_name);
}

TEST_F(Dns, AsksForTheNameItselfAndForNothingElse) {
  EXPECT_EQ(ask("db").type, NameReply::Type::no_name);
  EXPECT_EQ(ask("localhost.a.test").type, NameReply::Type::no_name);
  EXPECT_THAT(server.questions(), ElementsAre("A db", "A localhost.a.test"));
}

TEST_F(Dns, AnAnswerThatWasCutIsAskedForOverTcp) {
  server.suffer(FakeDnsServer::Fault::truncated);
  server.put("a.test", {"192.0.2.1"});
  EXPECT_THAT(texts(ask("a.test")), ElementsAre("192.0.2.1"));
  EXPECT_THAT(server.questions(), ElementsAre("A a.test", "A a.test over TCP"));
}

TEST_F(Dns, AnAnswerOfManyAddressesIsTakenWhole) {
  std::vector<std::string> many;
  for (int i = 0; i < 200; ++i) many.push_back("192.0.2." + std::to_string(i));
  server.suffer(FakeDnsServer::Fault::truncated);
  server.put("a.test", many);
  EXPECT_EQ(ask("a.test").addresses.size(), many.size());
}

TEST_F(Dns, AServerThatFailsIsAFailureWithAReason) {
  server.suffer(FakeDnsServer::Fault::server_failure);
  server.put("a.test", {"192.0.2.1"});
  const NameReply reply = ask("a.test");
  EXPECT_EQ(reply.type, NameReply::Type::failed);
  EXPECT_FALSE(reply.reason.empty());
}

TEST_F(Dns, AServerThatIsSilentIsAFailureInTheEnd) {
  patience = milliseconds(20);
  use(server.address());
  server.suffer(FakeDnsServer::Fault::silent);
  const auto began = std::chrono::steady_clock::now();
  const NameReply reply = ask("a.test");
  EXPECT_EQ(reply.type, NameReply::Type::failed);
  EXPECT_THAT(reply.reason, HasSubstr("imeout"));
  EXPECT_GE(std::chrono::steady_clock::now() - began, patience);
  EXPECT_THAT(server.questions(), ElementsAre("A a.test", "A a.test")) << "one a round";
}

TEST_F(Dns, TheNextServerIsAskedWhenOneFails) {
  FakeDnsServer better;
  better.put("a.test", {"192.0.2.1"});
  server.suffer(FakeDnsServer::Fault::server_failure);
  use(server.address() + "," + better.address());
  EXPECT_THAT(texts(ask("a.test")), ElementsAre("192.0.2.1"));
  EXPECT_THAT(server.questions(), Contains("A a.test"));
}

TEST_F(Dns, ManyQuestionsAreUnderWayAtOnceAndEachGetsItsOwnReply) {
  constexpr int count = 100;
  for (int i = 0; i < count; ++i) {
    server.put(std::to_string(i) + ".test", {"192.0.2." + std::to_string(i)});
    client->ask({std::to_string(i) + ".test", AddressFamily::v4, static_cast<std::uint64_t>(i)});
  }
  int replies = 0;
  for (int turn = 0; replies < count && turn < 1000; ++turn) {
    for (const auto& [question, reply] : client->run(seconds(1))) {
      ++replies;
      EXPECT_THAT(texts(reply), ElementsAre("192.0.2." + std::to_string(question.id)));
    }
  }
  EXPECT_EQ(replies, count);
}

TEST_F(Dns, WaitingEndsWhenItIsWoken) {
  std::thread waker([&] { client->wake(); });
  client->run(seconds(30));
  waker.join();
}

TEST_F(Dns, ServersMayBeWrittenAsPeopleDo) {
  server.put("a.test", {"192.0.2.1"});
  use(" " + server.address() + ", 10.96.0.10, fd00::a, [fd00::a]:5353");
  EXPECT_THAT(texts(ask("a.test")), ElementsAre("192.0.2.1"));
}

TEST(DnsServers, ThatAreNoneAreRefused) {
  const auto created = DnsClient::create("not a server", milliseconds(100));
  ASSERT_FALSE(created);
  EXPECT_THAT(created.error().message, HasSubstr("not a server"));
}

}  // namespace
}  // namespace fairlead

#include "watcher/name_resolver.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>

#include "tests/support/fake_dns_server.hpp"

namespace fairlead {
namespace {

using std::chrono::milliseconds;
using test::FakeDnsServer;

// What was told last of each name.
class Told final : public ChangeSink {
 public:
  void push(std::vector<Change> changes) override {
    {
      const std::lock_guard lock(mutex_);
      for (Change& change : changes) {
        ++count_;
        answers_[change.name.name] = std::move(change.answer);
      }
    }
    told_.notify_all();
  }
  bool await(const std::string& name, const std::function<bool(const NameAnswer&)>& condition) {
    std::unique_lock lock(mutex_);
    return told_.wait_for(lock, std::chrono::seconds(20), [&] {
      const auto found = answers_.find(name);
      return found != answers_.end() && condition(found->second);
    });
  }
  bool await_address(const std::string& name, const std::string& address) {
    return await(name, [&](const NameAnswer& answer) {
      return answer.addresses == std::vector{*IpAddress::parse(address)} && answer.trouble.empty();
    });
  }
  void forget() {
    const std::lock_guard lock(mutex_);
    answers_.clear();
  }

 private:
  std::mutex mutex_;
  std::condition_variable told_;
  std::map<std::string, NameAnswer> answers_;
  int count_ = 0;
};

class Resolver : public testing::Test {
 protected:
  void start() {
    options.servers = server.address();
    options.limits.min_ttl = options.limits.negative_ttl = options.limits.retry.first = milliseconds(5);
    options.limits.retry.most = milliseconds(20);
    auto started = NameResolver::start(options, told);
    ASSERT_TRUE(started) << started.error().message;
    resolver = std::move(*started);
  }

  FakeDnsServer server;
  Told told;
  NameResolverOptions options;
  std::unique_ptr<NameResolver> resolver;
};

TEST_F(Resolver, TellsWhatDnsSaysAndWhatItSaysNext) {
  server.put("a.test", {"192.0.2.1"}, 0);
  start();
  resolver->want({"a.test"});
  ASSERT_TRUE(told.await_address("a.test", "192.0.2.1"));
  server.put("a.test", {"192.0.2.2"}, 0);
  EXPECT_TRUE(told.await_address("a.test", "192.0.2.2"));
  server.remove("a.test");
  EXPECT_TRUE(told.await("a.test", [](const NameAnswer& answer) { return answer.addresses.empty(); }));
  server.put("a.test", {"2001:db8::1"}, 0);
  EXPECT_TRUE(told.await_address("a.test", "2001:db8::1"));
}

TEST_F(Resolver, KeepsWhatItKnowsWhileTheServerFailsAndIsWellAgainAfterwards) {
  server.put("a.test", {"192.0.2.1"}, 0);
  start();
  resolver->want({"a.test"});
  ASSERT_TRUE(told.await_address("a.test", "192.0.2.1"));
  server.suffer(FakeDnsServer::Fault::server_failure);
  EXPECT_TRUE(told.await("a.test", [](const NameAnswer& answer) {
    return answer.addresses.size() == 1 && answer.trouble.find("stay in use") != std::string::npos;
  }));
  server.suffer(FakeDnsServer::Fault::none);
  EXPECT_TRUE(told.await_address("a.test", "192.0.2.1"));
}

TEST_F(Resolver, ANameThatWasDroppedAndIsWantedAgainIsToldAgain) {
  server.put("a.test", {"192.0.2.1"}, 300);
  start();
  resolver->want({"a.test"});
  ASSERT_TRUE(told.await_address("a.test", "192.0.2.1"));
  told.forget();
  resolver->want({});
  resolver->want({"a.test"});
  EXPECT_TRUE(told.await_address("a.test", "192.0.2.1"));
}

TEST_F(Resolver, ANameThatIsNotWantedIsNotAskedForAnyMore) {
  server.put("a.test", {"192.0.2.1"}, 0);
  server.put("b.test", {"192.0.2.1"}, 0);
  start();
  resolver->want({"a.test", "b.test"});
  ASSERT_TRUE(server.wait_for("A a.test", 2));
  resolver->want({"b.test"});
  const auto asked_for_b = [&] {
    const auto questions = server.questions();
    return static_cast<std::size_t>(std::count(questions.begin(), questions.end(), "A b.test"));
  };
  ASSERT_TRUE(server.wait_for("A b.test", asked_for_b() + 2));  // one may have been under way
  const auto before = server.questions();
  ASSERT_TRUE(server.wait_for("A b.test", asked_for_b() + 3));
  const auto after = server.questions();
  EXPECT_EQ(std::count(before.begin(), before.end(), "A a.test"), std::count(after.begin(), after.end(), "A a.test"));
}

TEST_F(Resolver, StopsWhileAQuestionIsUnderWay) {
  server.suffer(FakeDnsServer::Fault::silent);
  start();
  resolver->want({"a.test"});
  ASSERT_TRUE(server.wait_for("A a.test", 1));
  resolver.reset();
}

}  // namespace
}  // namespace fairlead

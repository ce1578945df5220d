#include "watcher/source_troubles.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/watcher/heard.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Cause = Trouble::Cause;

struct Troubles : testing::Test {
  bool comes(std::uint64_t id, const std::string& plural, Cause cause, const std::string& message) {
    const Trouble trouble{cause, message};
    return troubles.set(id, plural, &trouble);
  }
  bool goes(std::uint64_t id, const std::string& plural) { return troubles.set(id, plural, nullptr); }
  std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    for (const Problem& problem : troubles.problems()) {
      EXPECT_EQ(problem.object.kind, "Source");
      EXPECT_EQ(problem.severity, Severity::warning);
      texts.push_back(problem.object.name + ": " + problem.message);
    }
    return texts;
  }

  HeardLog log;
  SourceTroubles troubles{log};
};

TEST_F(Troubles, AreNoneAtFirst) {
  EXPECT_FALSE(goes(1, "ingresses"));
  EXPECT_THAT(texts(), IsEmpty());
  EXPECT_EQ(log.text(), "");
}

TEST_F(Troubles, AreToldAndLoggedWhenTheyComeAndWhenTheyGo) {
  EXPECT_TRUE(comes(1, "ingresses", Cause::unreachable, "connection refused"));
  EXPECT_THAT(texts(), ElementsAre("ingresses: the API server cannot be reached: connection refused. What was heard "
                                   "last is still served"));
  EXPECT_TRUE(goes(1, "ingresses"));
  EXPECT_THAT(texts(), IsEmpty());
  EXPECT_EQ(log.text(),
            "cannot hear ingresses: the API server cannot be reached: connection refused\n"
            "ingresses are heard again (before: the API server cannot be reached)\n");
}

TEST_F(Troubles, ThatStayAreToldOnce) {
  comes(1, "ingresses", Cause::busy, "HTTP 429");
  EXPECT_FALSE(comes(1, "ingresses", Cause::busy, "HTTP 503"));
  EXPECT_EQ(log.text(), "cannot hear ingresses: the API server is busy: HTTP 429\n");
}

TEST_F(Troubles, OfManySecretsAreOne) {
  EXPECT_TRUE(comes(1, "secrets", Cause::forbidden, "HTTP 403"));
  EXPECT_FALSE(comes(2, "secrets", Cause::forbidden, "HTTP 403"));
  EXPECT_FALSE(goes(1, "secrets"));
  EXPECT_THAT(texts(),
              ElementsAre("secrets: the API server forbids it: HTTP 403. What was heard last is still served"));
  EXPECT_TRUE(goes(2, "secrets"));
  EXPECT_THAT(texts(), IsEmpty());
}

TEST_F(Troubles, ThatTurnIntoOthersReplaceThem) {
  comes(1, "services", Cause::unreachable, "refused");
  EXPECT_TRUE(comes(1, "services", Cause::unauthorized, "HTTP 401"));
  EXPECT_THAT(texts(), ElementsAre("services: the API server does not accept the credentials: HTTP 401. What was heard "
                                   "last is still served"));
}

TEST_F(Troubles, OfDifferentKindsStandSideBySide) {
  comes(1, "services", Cause::too_large, "a page");
  comes(2, "ingresses", Cause::garbled, "not JSON");
  comes(3, "ingresses", Cause::broken_stream, "cut");
  comes(4, "secrets", Cause::refused, "HTTP 500");
  EXPECT_THAT(texts(), ElementsAre(testing::StartsWith("ingresses: the API server keeps breaking off: cut"),
                                   testing::StartsWith("ingresses: the API server's answer makes no sense: not JSON"),
                                   testing::StartsWith("secrets: the API server refuses: HTTP 500"),
                                   testing::StartsWith("services: the API server's answer is too large: a page")));
}

}  // namespace
}  // namespace fairlead

#include "router/next_upstream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/router/policies/probe.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string asked(const std::string& value) {
  const auto result = parse({{"proxy-next-upstream", value}});
  EXPECT_THAT(findings(result), IsEmpty()) << value;
  return result.settings.next_upstream.text();
}

TEST(NextUpstream, IsErrorAndTimeoutByDefault) {
  EXPECT_EQ(parse({}).settings.next_upstream.text(), "error timeout");
}

TEST(NextUpstream, IsTheWordsOfTheAnnotation) {
  EXPECT_EQ(asked("error"), "error");
  EXPECT_EQ(asked("timeout  error\tnon_idempotent\nhttp_503"), "error timeout non_idempotent http_503");
  EXPECT_EQ(asked("http_504 http_502 http_500 http_429 http_404 http_403 invalid_header"),
            "invalid_header http_403 http_404 http_429 http_500 http_502 http_504");
}

TEST(NextUpstream, IsNothingWhenItIsOffWhateverElseIsSaid) {
  for (const std::string off : {"off", "error off", "off error"}) EXPECT_EQ(asked(off), "off") << off;
}

TEST(NextUpstream, StaysAtItsDefaultWhenAWordIsUnknown) {
  for (const std::string bad : {"http_501", "ERROR", "error,timeout", "http_5xx"}) {
    const auto result = parse({{"proxy-next-upstream", bad}});
    EXPECT_EQ(result.settings, PathSettings{}) << bad;
    EXPECT_THAT(findings(result), ElementsAre(HasSubstr("warning proxy-next-upstream: \"" + bad + "\" is no outcome")));
  }
}

TEST(NextUpstream, KnowsItsStatuses) {
  NextUpstream next;
  EXPECT_TRUE(next.add("http_503"));
  EXPECT_TRUE(next.has_status(503));
  EXPECT_FALSE(next.has_status(502));
  EXPECT_FALSE(next.has_status(200));
}

}  // namespace
}  // namespace fairlead

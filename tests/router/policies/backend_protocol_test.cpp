#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/router/policies/probe.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

PolicyParse::Result with(const std::string& value) {
  return parse({{"backend-protocol", value}});
}

TEST(BackendProtocol, IsWhatTheContractKnowsInAnyCase) {
  struct Case {
    std::string text;
    UpstreamProtocol protocol;
  };
  for (const Case& each : {Case{"HTTP", UpstreamProtocol::http}, Case{"http", UpstreamProtocol::http},
                           Case{"HTTPS", UpstreamProtocol::https}, Case{"Https", UpstreamProtocol::https},
                           Case{"GRPC", UpstreamProtocol::h2c}, Case{"grpc", UpstreamProtocol::h2c},
                           Case{"GRPCS", UpstreamProtocol::h2}, Case{"gRPCs", UpstreamProtocol::h2}}) {
    EXPECT_EQ(with(each.text).protocol, each.protocol) << each.text;
    EXPECT_THAT(findings(with(each.text)), IsEmpty()) << each.text;
  }
}

TEST(BackendProtocol, LeavesItToTheServiceWhenItIsNotThere) {
  EXPECT_EQ(parse({}).protocol, std::nullopt);
}

TEST(BackendProtocol, FailsClosedForTheProtocolThatHttpCannotReplace) {
  EXPECT_TRUE(with("FCGI").denied);
  EXPECT_THAT(findings(with("fcgi")), ElementsAre(HasSubstr("FCGI is not supported")));
}

TEST(BackendProtocol, SpeaksHttpForAutoHttpAndSaysSo) {
  EXPECT_EQ(with("AUTO_HTTP").protocol, UpstreamProtocol::http);
  EXPECT_FALSE(with("AUTO_HTTP").denied);
  EXPECT_THAT(findings(with("AUTO_HTTP")), ElementsAre(HasSubstr("warning backend-protocol")));
}

TEST(BackendProtocol, RefusesTheRestWhichThenSaysNothing) {
  for (const std::string other : {"HTTP2", "H2C", "SPDY", "GRPC GRPCS"}) {
    EXPECT_EQ(with(other).protocol, std::nullopt) << other;
    EXPECT_FALSE(with(other).denied);
    EXPECT_THAT(findings(with(other)),
                ElementsAre(HasSubstr("warning backend-protocol: \"" + other + "\" is none of")));
  }
}

}  // namespace
}  // namespace fairlead

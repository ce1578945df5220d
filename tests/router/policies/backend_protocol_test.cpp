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

TEST(BackendProtocol, IsHttpOrHttpsInAnyCase) {
  for (const std::string https : {"HTTPS", "https", "Https"}) {
    EXPECT_EQ(with(https).protocol, UpstreamProtocol::https);
    EXPECT_THAT(findings(with(https)), IsEmpty());
  }
  EXPECT_EQ(with("http").protocol, std::nullopt);
  EXPECT_THAT(findings(with("http")), IsEmpty());
}

TEST(BackendProtocol, FailsClosedForProtocolsThatPlainHttpCannotReplace) {
  for (const std::string other : {"GRPC", "grpcs", "FCGI"}) {
    EXPECT_TRUE(with(other).denied) << other;
    EXPECT_THAT(findings(with(other)), ElementsAre(HasSubstr("is not supported yet"))) << other;
  }
}

TEST(BackendProtocol, SpeaksHttpForTheRestAndSaysSo) {
  for (const std::string other : {"AUTO_HTTP", "SPDY"}) {
    EXPECT_EQ(with(other).protocol, std::nullopt);
    EXPECT_FALSE(with(other).denied);
    EXPECT_THAT(findings(with(other)), ElementsAre(HasSubstr("warning backend-protocol"))) << other;
  }
}

}  // namespace
}  // namespace fairlead

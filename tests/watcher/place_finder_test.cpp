#include "watcher/place_finder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;

class Finder : public testing::Test {
 protected:
  std::string asked() {
    const auto request = finder.next(now);
    return request ? request->target : "";
  }
  void answer(int status, const std::string& body) { finder.on_answer({status, body, {}, {}}, now); }

  PlaceFinder finder{{"ingress", "fairlead-1"}, 1};
  PlaceFinder::Time now{hours(1)};
};

TEST_F(Finder, AsksThePodForItsNodeAndTheNodeForItsZone) {
  EXPECT_EQ(asked(), "/api/v1/namespaces/ingress/pods/fairlead-1");
  EXPECT_EQ(asked(), "") << "one request at a time";
  answer(200, R"({"spec": {"nodeName": "n1"}})");
  EXPECT_EQ(finder.place(), (Place{"", "n1"}));
  EXPECT_EQ(asked(), "/api/v1/nodes/n1");
  answer(200, R"({"metadata": {"labels": {"topology.kubernetes.io/zone": "z1"}}})");
  EXPECT_EQ(finder.place(), (Place{"z1", "n1"}));
  EXPECT_TRUE(finder.finished());
  EXPECT_EQ(finder.trouble(), "");
  EXPECT_EQ(finder.wake_at(), PlaceFinder::Time::max());
}

TEST_F(Finder, TriesAgainWhatCannotBeRead) {
  asked();
  answer(403, R"({"message": "pods is forbidden"})");
  EXPECT_THAT(finder.trouble(), HasSubstr("our own pod ingress/fairlead-1 cannot be read"));
  EXPECT_EQ(asked(), "");
  EXPECT_GT(finder.wake_at(), now);
  now = finder.wake_at();
  EXPECT_EQ(asked(), "/api/v1/namespaces/ingress/pods/fairlead-1");
  answer(200, "{}");
  EXPECT_THAT(finder.trouble(), HasSubstr("has no node yet"));
  now = finder.wake_at();
  asked();
  answer(200, R"({"spec": {"nodeName": "n1"}})");
  EXPECT_EQ(finder.trouble(), "");
  asked();
  answer(500, "no JSON");
  EXPECT_THAT(finder.trouble(), HasSubstr("node n1 cannot be read"));
  EXPECT_EQ(finder.place(), (Place{"", "n1"})) << "hints for our node can be followed already";
  now = finder.wake_at();
  EXPECT_EQ(asked(), "/api/v1/nodes/n1");
}

TEST_F(Finder, ANodeWithoutZoneIsTheEndOfTheSearch) {
  asked();
  answer(200, R"({"spec": {"nodeName": "n1"}})");
  asked();
  answer(200, R"({"metadata": {}})");
  EXPECT_TRUE(finder.finished());
  EXPECT_THAT(finder.trouble(), HasSubstr("no label topology.kubernetes.io/zone"));
}

}  // namespace
}  // namespace fairlead

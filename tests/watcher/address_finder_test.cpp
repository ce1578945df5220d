#include "watcher/address_finder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace fairlead {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::seconds;
using testing::HasSubstr;
using Time = AddressFinder::Time;

const Time start{hours(1)};

json service(const std::string& spec, const std::string& status = "{}") {
  return {{"metadata", {{"namespace", "ingress"}, {"name", "lb"}}},
          {"spec", json::parse(spec)},
          {"status", json::parse(status)}};
}

std::string addresses_text(const std::string& spec, const std::string& status = "{}") {
  const auto addresses = addresses_of_service(service(spec, status));
  return addresses ? text_of(*addresses) : "nodes";
}

TEST(PublishedAddress, ServicesTellThemByTheirType) {
  const std::string balanced = R"({"loadBalancer": {"ingress": [{"ip": "203.0.113.2"}, {"hostname": "lb.test"}]}})";
  EXPECT_EQ(addresses_text(R"({"type": "LoadBalancer"})", balanced), "lb.test, 203.0.113.2");
  EXPECT_EQ(addresses_text(R"({"type": "LoadBalancer"})"), "none");  // not yet
  EXPECT_EQ(addresses_text(R"({"type": "LoadBalancer", "externalIPs": ["203.0.113.2", "203.0.113.3"]})", balanced),
            "lb.test, 203.0.113.2, 203.0.113.3");
  EXPECT_EQ(addresses_text(R"({"type": "ExternalName", "externalName": "edge.test"})"), "edge.test");
  EXPECT_EQ(addresses_text(R"({"type": "NodePort", "clusterIP": "10.96.0.7"})"), "nodes");
  EXPECT_EQ(addresses_text(R"({"type": "NodePort", "externalIPs": ["203.0.113.4"]})"), "203.0.113.4");
  EXPECT_EQ(addresses_text(R"({"type": "ClusterIP", "clusterIP": "10.96.0.7"})"), "10.96.0.7");
  EXPECT_EQ(addresses_text(R"({"clusterIP": "10.96.0.7", "externalIPs": ["203.0.113.4"]})"), "203.0.113.4");
  EXPECT_EQ(addresses_text(R"({"clusterIP": "None"})"), "none");
}

TEST(PublishedAddress, NodesTellTheExternalOnesOrElseTheInternalOnes) {
  const json both = json::parse(R"({"status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.5"},
      {"type": "ExternalIP", "address": "203.0.113.5"}, {"type": "Hostname", "address": "node-5"}]}})");
  EXPECT_EQ(text_of(addresses_of_node(both, false)), "203.0.113.5");
  EXPECT_EQ(text_of(addresses_of_node(both, true)), "10.0.0.5");
  const json dual = json::parse(R"({"status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.5"},
      {"type": "InternalIP", "address": "fd00::5"}]}})");
  EXPECT_EQ(text_of(addresses_of_node(dual, false)), "10.0.0.5, fd00::5");
}

TEST(PublishedAddress, AListOfWordsIsSortedAndEachStandsOnce) {
  EXPECT_EQ(published_addresses("b.test, 2001:db8::1 ,b.test"), published_addresses("2001:db8::1,b.test"));
  EXPECT_EQ(to_json(published_addresses("b.test,2001:db8::1")),
            json::parse(R"([{"hostname": "b.test"}, {"ip": "2001:db8::1"}])"));
}

Change put(json object) {
  Change change;
  change.object = std::move(object);
  return change;
}

Change removed(const std::string& ns, const std::string& name) {
  Change change;
  change.type = Change::Type::remove;
  change.name = {ns, name};
  return change;
}

json pod(const std::string& name, const std::string& node, bool ready = true, bool stopping = false) {
  json made = {{"metadata", {{"namespace", "ingress"}, {"name", name}, {"labels", {{"app", "fairlead"}}}}},
               {"spec", {{"nodeName", node}}},
               {"status",
                {{"phase", "Running"},
                 {"conditions", json::array({{{"type", "Ready"}, {"status", ready ? "True" : "False"}}})}}}};
  if (stopping) made["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  return made;
}

ApiAnswer ok(const json& object) {
  return {200, object.dump(), {}, {}};
}

ApiAnswer node(const std::string& address) {
  return ok({{"status", {{"addresses", json::array({{{"type", "InternalIP"}, {"address", address}}})}}}});
}

std::string found(const AddressFinder& finder) {
  const auto addresses = finder.addresses();
  return addresses ? text_of(*addresses) : "unknown";
}

AddressOptions by_nodes() {
  AddressOptions options;
  options.pod = {"ingress", "fairlead-1"};
  return options;
}

TEST(AddressFinder, TakesTheListThatWasGivenAndAsksForNothing) {
  AddressOptions options = by_nodes();
  options.publish_status_address = "203.0.113.1";
  AddressFinder finder(options, 1);
  EXPECT_EQ(found(finder), "203.0.113.1");
  EXPECT_TRUE(finder.take_resources().empty());
  EXPECT_EQ(finder.next(start), std::nullopt);
  EXPECT_EQ(finder.wake_at(), Time::max());
}

TEST(AddressFinder, FollowsTheService) {
  AddressOptions options = by_nodes();
  options.publish_service = "ingress/lb";
  AddressFinder finder(options, 1);
  const std::vector<Resource> resources = finder.take_resources();
  ASSERT_EQ(resources.size(), 1U);
  EXPECT_EQ(resources[0].collection, "/api/v1/namespaces/ingress/services");
  EXPECT_EQ(resources[0].single, (ObjectName{"ingress", "lb"}));
  EXPECT_EQ(found(finder), "unknown");
  finder.hear("services",
              put(service(R"({"type": "LoadBalancer"})", R"({"loadBalancer": {"ingress": [{"ip": "203.0.113.2"}]}})")),
              start);
  EXPECT_EQ(found(finder), "203.0.113.2");
  finder.hear("services", removed("ingress", "lb"), start);
  EXPECT_EQ(found(finder), "unknown");  // not "none": a mistake must not empty every Ingress
  EXPECT_THAT(finder.trouble(), HasSubstr("no Service ingress/lb"));
}

TEST(AddressFinder, FindsTheNodesOfItsReplicas) {
  AddressFinder finder(by_nodes(), 1);
  auto request = finder.next(start);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->target, "/api/v1/namespaces/ingress/pods/fairlead-1");
  json own = pod("fairlead-1", "node-a");
  own["metadata"]["labels"]["pod-template-hash"] = "abc";
  finder.on_answer(ok(own), start);
  const std::vector<Resource> resources = finder.take_resources();
  ASSERT_EQ(resources.size(), 1U);
  EXPECT_EQ(resources[0].collection, "/api/v1/namespaces/ingress/pods");
  EXPECT_EQ(resources[0].label_selector, "app=fairlead");
  EXPECT_EQ(finder.next(start), std::nullopt);

  Change all;
  all.type = Change::Type::replace;
  all.objects = {pod("fairlead-1", "node-a"), pod("fairlead-2", "node-b"), pod("fairlead-3", "node-b"),
                 pod("fairlead-4", "node-c", false), pod("fairlead-5", "node-d", true, true)};
  finder.hear("pods", all, start);
  for (const char* name : {"a", "b"}) {
    request = finder.next(start);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->target, std::string("/api/v1/nodes/node-") + name);
    EXPECT_EQ(found(finder), "unknown");
    finder.on_answer(node(name == std::string("a") ? "10.0.0.1" : "10.0.0.2"), start);
  }
  EXPECT_EQ(found(finder), "10.0.0.1, 10.0.0.2");
  EXPECT_EQ(finder.next(start), std::nullopt);

  finder.hear("pods", put(pod("fairlead-1", "node-a", false)), start);
  EXPECT_EQ(found(finder), "10.0.0.2");
  finder.hear("pods", removed("ingress", "fairlead-2"), start);
  finder.hear("pods", removed("ingress", "fairlead-3"), start);
  EXPECT_EQ(found(finder), "unknown");  // that nobody answers is no address to publish
}

TEST(AddressFinder, ReadsANodeAgainFromTimeToTime) {
  AddressOptions options = by_nodes();
  options.node_refresh = seconds(60);
  AddressFinder finder(options, 1);
  finder.next(start);
  finder.on_answer(ok(pod("fairlead-1", "node-a")), start);
  finder.hear("pods", put(pod("fairlead-1", "node-a")), start);
  finder.next(start);
  finder.on_answer(node("10.0.0.1"), start);
  EXPECT_EQ(finder.wake_at(), start + seconds(60));
  EXPECT_EQ(finder.next(start + seconds(59)), std::nullopt);
  ASSERT_TRUE(finder.next(start + seconds(60)));
  finder.on_answer({0, {}, "no route", {}}, start + seconds(60));
  EXPECT_EQ(found(finder), "10.0.0.1");  // as long as nothing else is known
  EXPECT_LE(finder.wake_at(), start + seconds(61));
  ASSERT_TRUE(finder.next(start + seconds(61)));
  finder.on_answer(node("10.0.0.9"), start + seconds(61));
  EXPECT_EQ(found(finder), "10.0.0.9");
}

TEST(AddressFinder, ANodePortServiceIsFoundAtTheNodes) {
  AddressOptions options = by_nodes();
  options.publish_service = "ingress/lb";
  AddressFinder finder(options, 1);
  EXPECT_EQ(finder.next(start), std::nullopt);
  finder.take_resources();
  finder.hear("services", put(service(R"({"type": "NodePort"})")), start);
  ASSERT_TRUE(finder.next(start));
  finder.on_answer(ok(pod("fairlead-1", "node-a")), start);
  EXPECT_EQ(finder.take_resources().size(), 1U);
  finder.hear("pods", put(pod("fairlead-1", "node-a")), start);
  ASSERT_TRUE(finder.next(start));
  finder.on_answer(node("10.0.0.1"), start);
  EXPECT_EQ(found(finder), "10.0.0.1");
  finder.hear("services", put(service(R"({"type": "ExternalName", "externalName": "edge.test"})")), start);
  EXPECT_EQ(found(finder), "edge.test");
  finder.hear("services", put(service(R"({"type": "NodePort"})")), start);
  EXPECT_EQ(found(finder), "10.0.0.1");
  EXPECT_TRUE(finder.take_resources().empty());  // they are watched already
}

TEST(AddressFinder, SaysWhyItCannotKnow) {
  AddressFinder nameless(AddressOptions{}, 1);
  EXPECT_EQ(nameless.next(start), std::nullopt);
  EXPECT_THAT(nameless.trouble(), HasSubstr("POD_NAME"));

  AddressFinder forbidden(by_nodes(), 1);
  forbidden.next(start);
  forbidden.on_answer({403, R"({"message":"pods is forbidden"})", {}, {}}, start);
  EXPECT_THAT(forbidden.trouble(), HasSubstr("HTTP 403: pods is forbidden"));
  EXPECT_EQ(forbidden.next(start), std::nullopt);
  EXPECT_TRUE(forbidden.next(start + seconds(1)));
}

TEST(AddressFinder, CountsTheReplicasThatGoOn) {
  const json list = {{"items", json::array({pod("fairlead-1", "a"), pod("fairlead-2", "b", false),
                                            pod("fairlead-3", "c", true, true)})}};
  EXPECT_EQ(other_running_pods(list, "fairlead-1"), 1U);
  EXPECT_EQ(other_running_pods(list, "fairlead-2"), 1U);
  EXPECT_EQ(other_running_pods(list, "another"), 2U);
}

}  // namespace
}  // namespace fairlead

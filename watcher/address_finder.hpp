#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "watcher/api_request.hpp"
#include "watcher/back_off.hpp"
#include "watcher/published_address.hpp"
#include "watcher/reflector.hpp"

namespace fairlead {

// Where the addresses that Ingresses get come from: a list that was given, else a Service, else the nodes that our pods
// run on.
struct AddressOptions {
  std::string publish_service;         // "ns/name"
  std::string publish_status_address;  // "203.0.113.1,lb.example.com"
  bool node_internal_ip = false;
  std::chrono::milliseconds node_refresh{60'000};  // a node's addresses are read again so often
  ObjectName pod;                                  // ours; its name may be unknown: ""
};

// The label selector that finds the replicas of a pod: its labels, without those that differ from one rollout to the
// next. "" when it has none.
std::string replica_selector(const nlohmann::json& pod);
// Runs, answers its readiness probe and is not being stopped.
bool is_serving_pod(const nlohmann::json& pod);
// How many pods of a PodList run (ready or not) and are not being stopped, besides the one of this name.
std::size_t other_running_pods(const nlohmann::json& list, const std::string& own_name);

// Finds the addresses by watching what they come from. A state machine without I/O or clock. Unknown addresses are
// never told as none.
class AddressFinder {
 public:
  using Time = std::chrono::steady_clock::time_point;

  AddressFinder(AddressOptions options, std::uint32_t seed);

  // What must be watched from now on and was not said before. Its kind means nothing; it is told back by its plural.
  std::vector<Resource> take_resources();
  void hear(const std::string& plural, const Change& change, Time now);

  // The object to read now; none while one is being read.
  std::optional<ApiRequest> next(Time now);
  void on_answer(const ApiAnswer& answer, Time now);
  Time wake_at() const;

  std::optional<PublishedAddresses> addresses() const;  // nothing: not known yet, or not any more
  std::string trouble() const;                          // why; "" when they are known, or will soon be

 private:
  struct Node {
    std::optional<PublishedAddresses> addresses;
    Time read_at{};  // is to be read
  };

  void use_nodes();
  void hear_service(const Change& change);
  void hear_pods(const Change& change, Time now);
  void put_pod(const nlohmann::json& pod);
  void follow_pods(Time now);
  void on_own_pod(const ApiAnswer& answer, Time now);

  const AddressOptions options_;
  BackOff back_off_;
  std::vector<Resource> resources_;
  std::optional<PublishedAddresses> fixed_;  // as given, or as the Service says
  bool by_nodes_ = false;                    // else
  std::string selector_;                     // of our pods, once known
  std::map<std::string, std::string> pods_;  // serving ones, and their nodes
  std::map<std::string, Node> nodes_;        // of these pods
  std::optional<std::string> reading_;       // a node; "" = our own pod
  Time own_pod_at_ = Time::max();            // is to be read
  std::string trouble_;
};

}  // namespace fairlead

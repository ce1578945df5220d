#include "watcher/address_finder.hpp"

#include <algorithm>
#include <set>

#include "router/base/percent_encode.hpp"
#include "watcher/api_text.hpp"
#include "watcher/json_lines.hpp"

namespace fairlead {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds read_timeout{10'000};

// Differ between two versions of a Deployment, DaemonSet or StatefulSet.
constexpr std::string_view version_labels[] = {"pod-template-hash", "controller-revision-hash",
                                               "pod-template-generation", "statefulset.kubernetes.io/pod-name",
                                               "apps.kubernetes.io/pod-index"};

bool is_running(const json& pod) {
  return text_at(pod, {"status", "phase"}) == "Running" && !value_at(pod, {"metadata", "deletionTimestamp"});
}

}  // namespace

std::string replica_selector(const json& pod) {
  std::string selector;
  const json* const labels = value_at(pod, {"metadata", "labels"});
  if (!labels || !labels->is_object()) return selector;
  for (const auto& [name, value] : labels->items()) {
    const bool of_version =
        std::find(std::begin(version_labels), std::end(version_labels), name) != std::end(version_labels);
    if (of_version || !value.is_string()) continue;
    selector += (selector.empty() ? "" : ",") + name + "=" + value.get<std::string>();
  }
  return selector;
}

bool is_serving_pod(const json& pod) {
  if (!is_running(pod)) return false;
  const json* const conditions = value_at(pod, {"status", "conditions"});
  return conditions && conditions->is_array() &&
         std::any_of(conditions->begin(), conditions->end(), [](const json& condition) {
           return text_at(condition, {"type"}) == "Ready" && text_at(condition, {"status"}) == "True";
         });
}

std::size_t other_running_pods(const json& list, const std::string& own_name) {
  const json* const items = value_at(list, {"items"});
  if (!items || !items->is_array()) return 0;
  return static_cast<std::size_t>(std::count_if(items->begin(), items->end(), [&](const json& pod) {
    return is_running(pod) && text_at(pod, {"metadata", "name"}) != own_name;
  }));
}

AddressFinder::AddressFinder(AddressOptions options, std::uint32_t seed)
    : options_(std::move(options)),
      back_off_({std::chrono::milliseconds(500), std::chrono::milliseconds(60'000)}, seed) {
  if (!options_.publish_status_address.empty()) {
    fixed_ = published_addresses(options_.publish_status_address);
  } else if (const std::size_t slash = options_.publish_service.find('/'); slash != std::string::npos) {
    Resource service;
    service.single = ObjectName{options_.publish_service.substr(0, slash), options_.publish_service.substr(slash + 1)};
    service.collection = api_collection("v1", service.single->ns, "services");
    service.plural = "services";
    resources_.push_back(std::move(service));
  } else {
    use_nodes();
  }
}

std::vector<Resource> AddressFinder::take_resources() {
  return std::exchange(resources_, {});
}

void AddressFinder::use_nodes() {
  fixed_.reset();
  by_nodes_ = true;
  if (options_.pod.name.empty()) {
    trouble_ = "the nodes of our pods are not known without POD_NAME; set it, or use --publish-service";
  } else if (selector_.empty() && own_pod_at_ == Time::max()) {
    own_pod_at_ = {};
  }
}

void AddressFinder::hear(const std::string& plural, const Change& change, Time now) {
  if (plural == "services") return hear_service(change);
  hear_pods(change, now);
}

void AddressFinder::hear_service(const Change& change) {
  by_nodes_ = false;
  if (change.type == Change::Type::put) {
    trouble_.clear();
    fixed_ = addresses_of_service(change.object);
    if (!fixed_) use_nodes();
    return;
  }
  fixed_.reset();
  trouble_ = "there is no Service " + options_.publish_service + ", which --publish-service names";
}

void AddressFinder::hear_pods(const Change& change, Time now) {
  if (change.type == Change::Type::replace) {
    pods_.clear();
    for (const json& pod : change.objects) put_pod(pod);
  } else if (change.type == Change::Type::remove) {
    pods_.erase(change.name.name);
  } else {
    put_pod(change.object);
  }
  follow_pods(now);
}

void AddressFinder::put_pod(const json& pod) {
  const std::string name = text_at(pod, {"metadata", "name"});
  const std::string node = text_at(pod, {"spec", "nodeName"});
  if (is_serving_pod(pod) && !node.empty()) {
    pods_[name] = node;
  } else {
    pods_.erase(name);
  }
}

void AddressFinder::follow_pods(Time now) {
  std::set<std::string> used;
  for (const auto& [pod, node] : pods_) used.insert(node);
  std::erase_if(nodes_, [&](const auto& node) { return !used.contains(node.first); });
  for (const std::string& node : used) nodes_.try_emplace(node, Node{std::nullopt, now});
}

std::optional<ApiRequest> AddressFinder::next(Time now) {
  if (reading_ || !by_nodes_) return std::nullopt;
  ApiRequest request;
  request.timeout = read_timeout;
  if (now >= own_pod_at_) {
    reading_ = "";
    request.target = api_collection("v1", options_.pod.ns, "pods") + "/" + percent_encode(options_.pod.name);
    return request;
  }
  for (const auto& [name, node] : nodes_) {
    if (now < node.read_at) continue;
    reading_ = name;
    request.target = "/api/v1/nodes/" + percent_encode(name);
    return request;
  }
  return std::nullopt;
}

void AddressFinder::on_answer(const ApiAnswer& answer, Time now) {
  if (!reading_) return;
  const std::string name = *std::exchange(reading_, std::nullopt);
  if (name.empty()) return on_own_pod(answer, now);
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) return;
  const auto object = parse_api_json(answer.body);
  if (answer.ok() && object) {
    found->second = {addresses_of_node(*object, options_.node_internal_ip), now + options_.node_refresh};
    back_off_.reset();
    trouble_.clear();
    return;
  }
  found->second.read_at = now + back_off_.next();
  if (answer.status == 404) {
    found->second.addresses = PublishedAddresses{};
  } else {
    trouble_ = "node " + name + " cannot be read: " + reason_in(answer);
  }
}

void AddressFinder::on_own_pod(const ApiAnswer& answer, Time now) {
  const auto object = parse_api_json(answer.body);
  selector_ = answer.ok() && object ? replica_selector(*object) : std::string();
  if (selector_.empty()) {
    trouble_ = "our own pod " + options_.pod.ns + "/" + options_.pod.name +
               (answer.ok() ? " has no labels to find its replicas by" : " cannot be read: " + reason_in(answer));
    own_pod_at_ = now + back_off_.next();
    return;
  }
  own_pod_at_ = Time::max();
  back_off_.reset();
  trouble_.clear();
  Resource pods;
  pods.collection = api_collection("v1", options_.pod.ns, "pods");
  pods.plural = "pods";
  pods.label_selector = selector_;
  resources_.push_back(std::move(pods));
}

AddressFinder::Time AddressFinder::wake_at() const {
  if (reading_ || !by_nodes_) return Time::max();
  Time at = own_pod_at_;
  for (const auto& [name, node] : nodes_) at = std::min(at, node.read_at);
  return at;
}

std::optional<PublishedAddresses> AddressFinder::addresses() const {
  if (!by_nodes_) return fixed_;
  PublishedAddresses all;
  for (const auto& [name, node] : nodes_) {
    if (!node.addresses) return std::nullopt;
    all.insert(all.end(), node.addresses->begin(), node.addresses->end());
  }
  if (all.empty()) return std::nullopt;  // we run somewhere
  normalise(all);
  return all;
}

std::string AddressFinder::trouble() const {
  return addresses() ? std::string() : trouble_;
}

}  // namespace fairlead

#include "watcher/place_finder.hpp"

#include "router/base/percent_encode.hpp"
#include "watcher/api_text.hpp"
#include "watcher/json_lines.hpp"

namespace fairlead {
namespace {

constexpr std::chrono::milliseconds read_timeout{10'000};
constexpr BackOffLimits retry{std::chrono::milliseconds(500), std::chrono::milliseconds(60'000)};

}  // namespace

PlaceFinder::PlaceFinder(ObjectName pod, std::uint32_t seed) : pod_(std::move(pod)), back_off_(retry, seed) {}

std::optional<ApiRequest> PlaceFinder::next(Time now) {
  if (asking_ || finished_ || now < ask_at_) return std::nullopt;
  asking_ = true;
  ApiRequest request;
  request.timeout = read_timeout;
  request.target = place_.node.empty() ? api_collection("v1", pod_.ns, "pods") + "/" + percent_encode(pod_.name)
                                       : "/api/v1/nodes/" + percent_encode(place_.node);
  return request;
}

PlaceFinder::Time PlaceFinder::wake_at() const {
  return asking_ || finished_ ? Time::max() : ask_at_;
}

void PlaceFinder::on_answer(const ApiAnswer& answer, Time now) {
  asking_ = false;
  const bool of_pod = place_.node.empty();
  const std::string asked = of_pod ? "our own pod " + pod_.ns + "/" + pod_.name : "node " + place_.node;
  const auto object = parse_api_json(answer.body);
  if (!answer.ok() || !object) {
    ask_at_ = now + back_off_.next();
    trouble_ = asked + " cannot be read: " + (answer.ok() ? object.error().message : reason_in(answer));
  } else if (of_pod) {
    take_pod(*object, now);
  } else {
    finished_ = true;
    place_.zone = text_at(*object, {"metadata", "labels", "topology.kubernetes.io/zone"});
    trouble_ = place_.zone.empty() ? asked + " has no label topology.kubernetes.io/zone" : "";
  }
}

void PlaceFinder::take_pod(const nlohmann::json& pod, Time now) {
  place_.node = text_at(pod, {"spec", "nodeName"});
  if (place_.node.empty()) {
    ask_at_ = now + back_off_.next();
    trouble_ = "our own pod " + pod_.ns + "/" + pod_.name + " has no node yet";
    return;
  }
  trouble_.clear();
  back_off_.reset();
}

}  // namespace fairlead

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "watcher/api_request.hpp"
#include "watcher/back_off.hpp"
#include "watcher/source.hpp"

namespace fairlead {

// Finds out where we run, as ingress-nginx does it: our pod says its node, whose label topology.kubernetes.io/zone says
// the zone. Neither changes while the pod lives. Pure: time is an argument; one request at a time.
class PlaceFinder {
 public:
  using Time = std::chrono::steady_clock::time_point;

  PlaceFinder(ObjectName pod, std::uint32_t seed);

  // What is to be asked now; it is under way until on_answer.
  std::optional<ApiRequest> next(Time now);
  void on_answer(const ApiAnswer& answer, Time now);
  Time wake_at() const;  // Time::max() while a request is under way, and when all is known

  bool finished() const { return finished_; }
  const Place& place() const { return place_; }  // grows: the node comes first
  // Why it is not known yet; "" when nothing is wrong.
  const std::string& trouble() const { return trouble_; }

 private:
  void take_pod(const nlohmann::json& pod, Time now);

  const ObjectName pod_;
  BackOff back_off_;
  Place place_;
  std::string trouble_;
  Time ask_at_{};
  bool asking_ = false;
  bool finished_ = false;
};

}  // namespace fairlead

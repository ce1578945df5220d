#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "watcher/found_endpoints.hpp"

namespace fairlead {
namespace {

using State = SliceEndpoint::State;

using Hints = std::shared_ptr<const EndpointHints>;  // null: none

// Endpoints, each at one of its ports.
struct Candidates {
  std::vector<Endpoint> endpoints;
  std::vector<Hints> hints;  // of each of them; empty when nobody asks for them
};

class SliceReader {
 public:
  SliceReader(const Service& service, const ServicePort& port, const ClusterState& state,
              const TranslateOptions& options)
      : service_(service), port_(port), state_(state), options_(options) {}

  FoundEndpoints read() {
    state_.for_each_slice_of(service_.name, [this](const EndpointSlice& slice) { take(slice); });
    Candidates& chosen = ready_.endpoints.empty() ? draining_ : ready_;
    if (options_.topology_hints && !ready_.endpoints.empty()) keep_near(chosen);
    found_.endpoints = std::move(chosen.endpoints);
    std::sort(found_.endpoints.begin(), found_.endpoints.end());
    const auto unique = std::unique(found_.endpoints.begin(), found_.endpoints.end());
    found_.endpoints.erase(unique, found_.endpoints.end());
    tell_of_ports();
    return std::move(found_);
  }

 private:
  void take(const EndpointSlice& slice) {
    const std::vector<std::uint16_t> numbers = numbers_in(slice);
    for (const SliceEndpoint& endpoint : slice.endpoints) {
      const bool ready = endpoint.state == State::ready || service_.publish_not_ready;
      if (!ready && endpoint.state != State::draining) continue;
      has_addresses_ = true;
      Candidates& candidates = ready ? ready_ : draining_;
      for (const std::uint16_t number : numbers) {
        candidates.endpoints.push_back({endpoint.address, number});
        if (options_.topology_hints) candidates.hints.push_back(endpoint.hints);
      }
    }
  }

  // A slice's ports carry the name of the Service's port; its targetPort is resolved there already. A slice that was
  // written by hand may name them otherwise, or none: then the Service's own targetPort counts, as in ingress-nginx.
  std::vector<std::uint16_t> numbers_in(const EndpointSlice& slice) {
    std::vector<std::uint16_t> numbers;
    const std::uint16_t target = port_.target_number();
    for (const SlicePort& port : slice.ports) {
      if (port.name != port_.name) continue;
      if (port.number || target) numbers.push_back(port.number ? port.number : target);
    }
    if (!numbers.empty()) return numbers;
    const bool is_only_one = port_.name.empty() && slice.ports.size() == 1 && slice.ports.front().number;
    const std::uint16_t instead = is_only_one ? slice.ports.front().number : target;
    const bool only_other_protocols = slice.lists_ports && slice.ports.empty();
    if (!instead || only_other_protocols || slice.endpoints.empty()) return numbers;
    if (slice.lists_ports) tell_of_name(slice, instead);
    return {instead};
  }

  void tell_of_name(const EndpointSlice& slice, std::uint16_t instead) {
    if (std::exchange(told_of_name_, true)) return;
    found_.remarks.push_back(
        {".port",
         fmt::format("EndpointSlice {}/{} has no TCP port named \"{}\" as port {} of Service {}/{} is: its port {} is "
                     "used. Give the ports the same name",
                     slice.name.ns, slice.name.name, port_.name, port_.number, service_.name.ns, service_.name.name,
                     instead),
         Severity::notice});
  }

  // All or nothing, as kube-proxy does it: hints that are missing for one endpoint, or that leave us none, are not
  // followed. Those for our node go before those for our zone.
  void keep_near(Candidates& candidates) const {
    const Place& place = state_.place();
    if (keep_hinted(candidates, &EndpointHints::nodes, place.node)) return;
    keep_hinted(candidates, &EndpointHints::zones, place.zone);
  }

  static bool keep_hinted(Candidates& candidates, std::vector<std::string> EndpointHints::*kind,
                          const std::string& ours) {
    const auto is_hinted = [&](const Hints& hints) { return hints && !((*hints).*kind).empty(); };
    const auto is_near = [&](const Hints& hints) {
      const std::vector<std::string>& names = (*hints).*kind;
      return std::find(names.begin(), names.end(), ours) != names.end();
    };
    const std::vector<Hints>& hints = candidates.hints;
    if (ours.empty() || !std::all_of(hints.begin(), hints.end(), is_hinted)) return false;
    if (std::none_of(hints.begin(), hints.end(), is_near)) return false;
    std::vector<Endpoint> near;
    for (std::size_t i = 0; i < hints.size(); ++i) {
      if (is_near(hints[i])) near.push_back(candidates.endpoints[i]);
    }
    candidates.endpoints = std::move(near);
    return true;
  }

  void tell_of_ports() {
    if (!has_addresses_ || !found_.endpoints.empty()) return;
    found_.remarks.push_back(
        {".port",
         fmt::format("no EndpointSlice of Service {}/{} has a TCP port named \"{}\" as its port {} "
                     "is; until one has, this is answered 503",
                     service_.name.ns, service_.name.name, port_.name, port_.number),
         Severity::error});
  }

  const Service& service_;
  const ServicePort& port_;
  const ClusterState& state_;
  const TranslateOptions& options_;
  FoundEndpoints found_;
  Candidates ready_, draining_;
  bool has_addresses_ = false;  // that could be used, if they had the port
  bool told_of_name_ = false;
};

}  // namespace

FoundEndpoints slice_endpoints(const Service& service, const ServicePort& port, const ClusterState& state,
                               const TranslateOptions& options) {
  return SliceReader(service, port, state, options).read();
}

}  // namespace fairlead

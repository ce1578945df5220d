#include "proxy/policy_runner.hpp"

namespace fairlead {

void show_to_policies(Exchange& exchange) {
  exchange.asked.emplace(PolicyRequest{.head = exchange.request,
                                       .target = exchange.target,
                                       .host = exchange.host,
                                       .host_entry = *exchange.match.host,
                                       .path = *exchange.match.path,
                                       .settings = exchange.snapshot->routes->settings(),
                                       .client = exchange.client.address,
                                       .https = exchange.client.https,
                                       .upstream_edits = *exchange.upstream_edits,
                                       .forward = exchange.forward,
                                       .arena = &exchange.arena});
}

Outcome run_on_request(Exchange& exchange) {
  for (const auto& policy : exchange.match.path->policies) {
    if (Outcome outcome = policy->on_request(*exchange.asked)) return outcome;
  }
  return std::nullopt;
}

void run_on_response(Exchange& exchange, int status) {
  if (!exchange.asked) return;
  PolicyResponse response{*exchange.asked, status, *exchange.response_edits};
  for (const auto& policy : exchange.match.path->policies) policy->on_response(response);
}

}  // namespace fairlead

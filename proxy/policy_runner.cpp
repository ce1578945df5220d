#include "proxy/policy_runner.hpp"

#include <span>

namespace fairlead {
namespace {

Outcome run(Exchange& exchange, std::span<const std::shared_ptr<const Policy>> policies) {
  for (const auto& policy : policies) {
    if (Outcome outcome = policy->on_request(*exchange.asked)) return outcome;
  }
  return std::nullopt;
}

}  // namespace

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

Outcome run_early(Exchange& exchange) {
  const Route& route = *exchange.match.path->route;
  return run(exchange, std::span(route.policies).first(route.early_policies));
}

Outcome run_late(Exchange& exchange) {
  const Route& route = *exchange.match.path->route;
  return run(exchange, std::span(route.policies).subspan(route.early_policies));
}

void run_on_response(Exchange& exchange, int status) {
  if (!exchange.asked) return;
  PolicyResponse response{*exchange.asked, status, *exchange.response_edits};
  for (const auto& policy : exchange.match.path->route->policies) policy->on_response(response);
}

}  // namespace fairlead

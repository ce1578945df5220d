// How an Endpoint of the Upstream is chosen.
#include "router/policies/policy.hpp"

namespace fairlead {
namespace {

void parse(PolicyParse& parse) {
  constexpr std::string_view name = "load-balance";
  const auto value = parse.text(name);
  if (!value) return;
  if (*value == "round_robin") return parse.set_balancing(Balancing::round_robin);
  if (*value == "ewma") {
    parse.set_balancing(Balancing::power_of_two);
    return parse.note(name, "ewma is served as: of two random endpoints, that with fewer requests in flight");
  }
  parse.set_balancing(Balancing::round_robin);
  parse.warn(name, "\"" + std::string(*value) + "\" is unknown; round_robin is used. Write round_robin or ewma");
}

constexpr AnnotationSpec annotations[] = {
    {"load-balance", "`round_robin`, or `ewma`: the less busy of two random endpoints.", "round_robin", Risk::low},
};

}  // namespace

extern constinit const PolicySpec load_balance_policy{"load-balance", Stage::rewrite, annotations, parse};

}  // namespace fairlead

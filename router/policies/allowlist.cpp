// Lets only clients of the listed networks in; everybody else gets a 403.
#include <algorithm>

#include "router/policies/policy.hpp"
#include "router/policies/text.hpp"

namespace fairlead {
namespace {

class Allowlist final : public Policy {
 public:
  explicit Allowlist(std::vector<Cidr> networks) : networks_(std::move(networks)) {}

  Outcome on_request(PolicyRequest& request) const override {
    for (const Cidr& network : networks_) {
      if (network.contains(request.client)) return std::nullopt;
    }
    return PolicyReply{.status = 403};
  }

  std::string describe() const override {
    std::string text = "allow";
    for (const Cidr& network : networks_) text += " " + network.to_string();
    return text;
  }

 private:
  std::vector<Cidr> networks_;  // sorted, each once
};

constexpr std::string_view canonical_name = "allowlist-source-range";
constexpr std::string_view alias = "whitelist-source-range";

void parse(PolicyParse& parse) {
  const std::string_view name = parse.has(canonical_name) ? canonical_name : alias;
  const auto list = parse.text(name);
  if (!list) return;
  if (name == canonical_name && parse.has(alias)) {
    parse.warn(alias, "has no effect: allowlist-source-range is set too and stands for the same; remove one");
  }
  std::vector<Cidr> networks;
  for (const std::string_view piece : split_list(*list)) {
    const auto network = Cidr::parse(piece);
    if (!network) {
      parse.deny(name, "\"" + std::string(piece) + "\" is no network such as 10.0.0.0/8 or fd00::/8; correct it. " +
                           "Until then every path of this Ingress answers 503");
      return;
    }
    networks.push_back(*network);
  }
  if (networks.empty()) {
    parse.deny(name, "lists no network; remove the annotation to let everybody in. Until then every path answers 503");
    return;
  }
  std::sort(networks.begin(), networks.end());
  networks.erase(std::unique(networks.begin(), networks.end()), networks.end());
  parse.add(std::make_shared<const Allowlist>(std::move(networks)));
}

constexpr AnnotationSpec annotations[] = {
    {canonical_name, "Comma-separated networks whose clients are let in; others get 403.", "", Risk::medium},
    {alias, "Another name of `allowlist-source-range`.", "", Risk::medium},
};

}  // namespace

extern constinit const PolicySpec allowlist_policy{"allowlist", Stage::access, annotations, parse};

}  // namespace fairlead

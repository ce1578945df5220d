// Which protocol the upstream speaks.
#include "router/policies/policy.hpp"

namespace fairlead {
namespace {

void parse(PolicyParse& parse) {
  constexpr std::string_view name = "backend-protocol";
  const auto value = parse.text(name);
  if (!value || equal_ignoring_case(*value, "HTTP")) return;
  if (equal_ignoring_case(*value, "HTTPS")) return parse.set_protocol(UpstreamProtocol::https);
  if (equal_ignoring_case(*value, "AUTO_HTTP")) {
    return parse.warn(name, "AUTO_HTTP is not supported yet: plain HTTP is spoken; write HTTP or HTTPS");
  }
  // Plain HTTP/1.1 to such a server would only fail in ways that are harder to understand.
  for (const std::string_view other : {"GRPC", "GRPCS", "FCGI"}) {
    if (!equal_ignoring_case(*value, other)) continue;
    return parse.deny(name, std::string(other) + " is not supported yet: every path of this Ingress answers 503. " +
                                "Write HTTP or HTTPS, or keep this Ingress with ingress-nginx until it is");
  }
  parse.warn(name, "\"" + std::string(*value) + "\" is no protocol; HTTP is spoken. Write HTTP or HTTPS");
}

constexpr AnnotationSpec annotations[] = {
    {"backend-protocol", "`HTTP` or `HTTPS` (whose certificate is not verified).", "HTTP", Risk::low},
};

}  // namespace

extern constinit const PolicySpec backend_protocol_policy{"backend-protocol", Stage::rewrite, annotations, parse};

}  // namespace fairlead

// Which protocol the upstream speaks.
#include "router/policies/policy.hpp"

namespace fairlead {
namespace {

struct Name {
  std::string_view text;
  UpstreamProtocol protocol;
};
constexpr Name names[] = {{"HTTP", UpstreamProtocol::http},
                          {"HTTPS", UpstreamProtocol::https},
                          {"GRPC", UpstreamProtocol::h2c},
                          {"GRPCS", UpstreamProtocol::h2}};

void parse(PolicyParse& parse) {
  constexpr std::string_view name = "backend-protocol";
  const auto value = parse.text(name);
  if (!value) return;
  for (const Name& known : names) {
    if (equal_ignoring_case(*value, known.text)) return parse.set_protocol(known.protocol);
  }
  if (equal_ignoring_case(*value, "AUTO_HTTP")) {
    parse.warn(name, "AUTO_HTTP is not supported yet: plain HTTP is spoken; write HTTP or HTTPS");
    return parse.set_protocol(UpstreamProtocol::http);
  }
  // HTTP to such a server would only fail in ways that are harder to understand.
  if (equal_ignoring_case(*value, "FCGI")) {
    return parse.deny(
        name,
        "FCGI is not supported: every path of this Ingress answers 503. Write HTTP, HTTPS, GRPC or GRPCS, "
        "or keep this Ingress with ingress-nginx");
  }
  parse.warn(name,
             "\"" + std::string(*value) +
                 "\" is none of HTTP, HTTPS, GRPC and GRPCS, and is refused: the appProtocol of the Service's port "
                 "decides, or else HTTP/1.1 is spoken. For HTTP/2 write GRPC, or GRPCS for HTTP/2 over TLS");
}

constexpr AnnotationSpec annotations[] = {
    {"backend-protocol",
     "`HTTP`, `HTTPS`, `GRPC` (HTTP/2 in clear text, for whatever speaks it) or `GRPCS` (HTTP/2 over TLS). "
     "Certificates "
     "are not verified. Decides before the `appProtocol` of the Service's port.",
     "HTTP", Risk::low},
};

}  // namespace

extern constinit const PolicySpec backend_protocol_policy{"backend-protocol", Stage::rewrite, annotations, parse};

}  // namespace fairlead

// Refuses pieces of nginx configuration: they are of critical risk, and there is no nginx here to run them.
#include "router/policies/policy.hpp"

namespace fairlead {
namespace {

constexpr AnnotationSpec annotations[] = {
    {"configuration-snippet", "Refused: an Ingress with it is not accepted. See `response-headers`.", "",
     Risk::critical},
    {"server-snippet", "Refused: an Ingress with it is not accepted.", "", Risk::critical},
    {"auth-snippet", "Refused: an Ingress with it is not accepted.", "", Risk::critical},
    {"stream-snippet", "Refused: an Ingress with it is not accepted.", "", Risk::critical},
    {"modsecurity-snippet", "Refused: an Ingress with it is not accepted.", "", Risk::critical},
};

void parse(PolicyParse& parse) {
  for (const AnnotationSpec& annotation : annotations) {
    if (!parse.has(annotation.name)) continue;
    parse.reject(
        annotation.name,
        "nginx configuration is not accepted (critical risk, as above ingress-nginx's default risk level): this "
        "version of the Ingress is not served. Remove it; response headers go into response-headers");
  }
}

}  // namespace

extern constinit const PolicySpec snippets_policy{"snippets", Stage::site, annotations, parse};

}  // namespace fairlead

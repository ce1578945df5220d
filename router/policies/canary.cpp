// Keeps canaries away from traffic that is not theirs until they are supported: a canary names the host and path of
// another Ingress and, taken for an ordinary one, could win all of it.
#include "router/policies/policy.hpp"

namespace fairlead {
namespace {

constexpr AnnotationSpec annotations[] = {
    {"canary", "Not supported yet: an Ingress with `true` is not accepted, so that it gets no traffic.", "false",
     Risk::low},
    {"canary-by-cookie", "Not supported yet.", "", Risk::medium},
    {"canary-by-header", "Not supported yet.", "", Risk::medium},
    {"canary-by-header-pattern", "Not supported yet.", "", Risk::medium},
    {"canary-by-header-value", "Not supported yet.", "", Risk::medium},
    {"canary-weight", "Not supported yet.", "0", Risk::low},
    {"canary-weight-total", "Not supported yet.", "100", Risk::low},
};

void parse(PolicyParse& parse) {
  if (parse.boolean("canary", false)) {
    return parse.reject("canary",
                        "canaries are not supported yet: this version of the Ingress is not served, and all traffic "
                        "goes to the Ingress beside it. Keep both with ingress-nginx until they are");
  }
  for (const AnnotationSpec& annotation : std::span(annotations).subspan(1)) {
    if (parse.has(annotation.name)) parse.warn(annotation.name, "has no effect without canary: \"true\"");
  }
}

}  // namespace

extern constinit const PolicySpec canary_policy{"canary", Stage::site, annotations, parse};

}  // namespace fairlead

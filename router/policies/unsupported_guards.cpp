// Closes what an annotation should guard and cannot guard yet: better no answer than one to everybody.
#include "router/policies/policy.hpp"

namespace fairlead {
namespace {

constexpr AnnotationSpec annotations[] = {
    {"auth-tls-secret", "Not supported yet: an Ingress with it answers 503.", "", Risk::medium},
    {"auth-type", "Not supported yet: an Ingress with it answers 503.", "", Risk::low},
    {"auth-url", "Not supported yet: an Ingress with it answers 503.", "", Risk::high},
    {"denylist-source-range", "Not supported yet: an Ingress with it answers 503.", "", Risk::medium},
};

void parse(PolicyParse& parse) {
  for (const AnnotationSpec& annotation : annotations) {
    if (!parse.has(annotation.name)) continue;
    parse.deny(annotation.name,
               "not supported yet: so that nobody gets in unasked, every path of this Ingress answers 503. Remove it "
               "to let everybody in, or keep this Ingress with ingress-nginx until it is");
  }
}

}  // namespace

extern constinit const PolicySpec unsupported_guards_policy{"unsupported-guards", Stage::access, annotations, parse};

}  // namespace fairlead

// Closes what an annotation should guard and cannot guard yet: better no answer than one to everybody.
#include "router/policies/policy.hpp"

namespace fairlead {
namespace {

constexpr AnnotationSpec annotations[] = {
    {"auth-tls-secret", "Not supported yet: the hosts of an Ingress with it answer 503.", "", Risk::medium},
    {"auth-type", "Not supported yet: an Ingress with it answers 503.", "", Risk::low},
    {"auth-url", "Not supported yet: an Ingress with it answers 503.", "", Risk::high},
    {"denylist-source-range", "Not supported yet: an Ingress with it answers 503.", "", Risk::medium},
};

// Contract 2.2: ingress-nginx closes the whole host.
constexpr std::string_view host_guard = "auth-tls-secret";

void parse(PolicyParse& parse) {
  for (const AnnotationSpec& annotation : annotations) {
    if (!parse.has(annotation.name)) continue;
    if (annotation.name == host_guard) {
      parse.deny_host(
          annotation.name,
          "not supported yet: so that nobody gets in unasked, every path of the hosts of this Ingress answers "
          "503, also those of other Ingresses. Remove it to let everybody in, or keep this Ingress with "
          "ingress-nginx until it is");
      continue;
    }
    parse.deny(annotation.name,
               "not supported yet: so that nobody gets in unasked, every path of this Ingress answers 503. Remove it "
               "to let everybody in, or keep this Ingress with ingress-nginx until it is");
  }
}

}  // namespace

extern constinit const PolicySpec unsupported_guards_policy{"unsupported-guards", Stage::access, annotations, parse};

}  // namespace fairlead

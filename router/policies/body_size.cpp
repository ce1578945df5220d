// Limits the body of a request: more is answered 413.
#include "router/policies/policy.hpp"

namespace fairlead {
namespace {

void parse(PolicyParse& parse) {
  if (const auto size = parse.size("proxy-body-size")) parse.path_settings().max_body_bytes = *size;
}

constexpr AnnotationSpec annotations[] = {
    {"proxy-body-size",
     "The largest request body, such as `8k`, `10m` or `1g`; `0` is unlimited. More is answered 413.", "1m",
     Risk::medium},
};

}  // namespace

extern constinit const PolicySpec body_size_policy{"body-size", Stage::limit, annotations, parse};

}  // namespace fairlead

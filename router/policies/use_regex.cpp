// Makes every path of the host a case-insensitive regex (contract 2.4.1).
#include "router/policies/policy.hpp"

namespace fairlead {
namespace {

void parse(PolicyParse& parse) {
  if (parse.boolean("use-regex", false)) parse.set_regex();
}

constexpr AnnotationSpec annotations[] = {
    {"use-regex", "Paths are case-insensitive regexes (RE2): all paths of the host, also those of other Ingresses.",
     "false", Risk::low},
};

}  // namespace

extern constinit const PolicySpec use_regex_policy{"use-regex", Stage::rewrite, annotations, parse};

}  // namespace fairlead

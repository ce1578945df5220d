// What sends a request to another endpoint.
#include "router/next_upstream.hpp"

#include <algorithm>

#include "router/policies/policy.hpp"

namespace fairlead {
namespace {

constexpr std::string_view name = "proxy-next-upstream";

// As nginx takes it: "off" anywhere switches it all off.
void parse(PolicyParse& parse) {
  const auto value = parse.text(name);
  if (!value) return;
  NextUpstream asked = NextUpstream::none();
  bool off = false;
  std::string_view rest = *value;
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find_first_of(" \t\n"));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    off = off || word == "off";
    if (!word.empty() && !asked.add(word)) {
      return parse.warn(name,
                        "\"" + std::string(word) +
                            "\" is no outcome; the default is used. Known are error, timeout, invalid_header, "
                            "non_idempotent, http_403, http_404, http_429, http_500, http_502, http_503, http_504 "
                            "and off");
    }
  }
  parse.path_settings().next_upstream = off ? NextUpstream::none() : asked;
}

constexpr AnnotationSpec annotations[] = {
    {name,
     "What sends a request to another endpoint: `error`, `timeout`, `invalid_header`, `http_503` and the like, where "
     "it "
     "can be sent again; with `non_idempotent` also a POST that a service may have acted on. `http_503` stands for "
     "gRPC's `UNAVAILABLE` without a message. `off` is none.",
     "error timeout", Risk::medium},
};

}  // namespace

extern constinit const PolicySpec next_upstream_policy{"next-upstream", Stage::limit, annotations, parse};

}  // namespace fairlead

// How long an upstream is waited for, and how often another Endpoint is tried.
#include <limits>

#include "router/policies/policy.hpp"

namespace fairlead {
namespace {

constexpr std::int64_t longest = 31'536'000;  // a year

void parse_seconds(PolicyParse& parse, std::string_view name, std::int64_t least, std::chrono::milliseconds& out) {
  if (const auto value = parse.integer(name, least, longest)) out = std::chrono::seconds(*value);
}

void parse(PolicyParse& parse) {
  PathSettings& settings = parse.path_settings();
  parse_seconds(parse, "proxy-connect-timeout", 1, settings.connect_timeout);
  parse_seconds(parse, "proxy-send-timeout", 1, settings.send_timeout);
  parse_seconds(parse, "proxy-read-timeout", 1, settings.read_timeout);
  parse_seconds(parse, "proxy-next-upstream-timeout", 0, settings.next_upstream_timeout);
  if (const auto tries = parse.integer("proxy-next-upstream-tries", 0, 1000)) {
    constexpr auto unlimited = std::numeric_limits<std::uint32_t>::max();  // until every Endpoint was tried
    settings.next_upstream_tries = *tries == 0 ? unlimited : static_cast<std::uint32_t>(*tries);
  }
}

constexpr AnnotationSpec annotations[] = {
    {"proxy-connect-timeout", "Seconds until a connection to an endpoint must stand.", "5", Risk::low},
    {"proxy-send-timeout", "Seconds between two writes to the upstream.", "60", Risk::low},
    {"proxy-read-timeout", "Seconds between two reads from the upstream; also ends idle WebSockets.", "60", Risk::low},
    {"proxy-next-upstream-timeout", "Seconds after which no further endpoint is tried; `0` is no limit.", "0",
     Risk::low},
    {"proxy-next-upstream-tries", "Endpoints tried in all; `0` is no limit.", "3", Risk::low},
};

}  // namespace

extern constinit const PolicySpec timeouts_policy{"timeouts", Stage::limit, annotations, parse};

}  // namespace fairlead

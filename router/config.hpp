#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "router/base/ip_address.hpp"
#include "router/base/tls_host.hpp"
#include "router/next_upstream.hpp"

namespace fairlead {

class Policy;

// Config is the plain, immutable result of translating a ClusterState. It knows nothing of Kubernetes beyond the names
// that logs and metrics carry. Parts are shared by pointer between one Config and the next; a part never changes.

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  auto operator<=>(const Endpoint&) const = default;
};

enum class Balancing { round_robin, power_of_two };  // annotation value "ewma" maps to power_of_two

// How an Upstream is spoken to. https and h2 are over TLS; h2c and h2 are HTTP/2, which is spoken from the first byte
// (RFC 9113 3.3) or agreed on by ALPN.
enum class UpstreamProtocol : std::uint8_t { http, https, h2c, h2 };

constexpr bool over_tls(UpstreamProtocol protocol) {
  return protocol == UpstreamProtocol::https || protocol == UpstreamProtocol::h2;
}
constexpr bool is_http2(UpstreamProtocol protocol) {
  return protocol == UpstreamProtocol::h2c || protocol == UpstreamProtocol::h2;
}
// "http", "https", "h2c", "h2". Lives for ever.
std::string_view text_of(UpstreamProtocol protocol);

// A Service port: endpoints and how to talk to them.
struct Upstream {
  std::string key;   // unique in a Config
  std::string name;  // "<namespace>-<service>-<port>", as ingress-nginx writes it to access log and metrics
  std::vector<Endpoint> endpoints;  // ready ones, sorted, each once
  Balancing balancing = Balancing::round_robin;
  UpstreamProtocol protocol = UpstreamProtocol::http;

  bool operator==(const Upstream&) const = default;
};

enum class PathType { exact, prefix };  // ImplementationSpecific is prefix (contract 2.4.2)

// How one Path talks to its Upstream. Durations of zero mean "no limit" where that is said, and are refused elsewhere.
struct PathSettings {
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds send_timeout{60'000};      // between two writes to the upstream
  std::chrono::milliseconds read_timeout{60'000};      // between two reads from the upstream
  std::uint64_t max_body_bytes = 1024 * 1024;          // request body; 0 = no limit. More is answered 413
  NextUpstream next_upstream{};                        // what sends a request to another Endpoint
  std::uint32_t next_upstream_tries = 3;               // attempts in all, the first included
  std::chrono::milliseconds next_upstream_timeout{0};  // no further attempt after this long; 0 = no limit

  bool operator==(const PathSettings&) const = default;
};

// Where Paths lead, and how: what those of one Ingress that lead to the same port of a Service have in common.
struct Route {
  std::string ns;       // of the Ingress
  std::string ingress;  // "" for the implicit default of a host nobody defined
  std::string service;
  std::string port;          // as the Ingress says it: number or name
  std::string upstream_key;  // "" = no backend: local 404
  PathSettings settings;
  std::vector<std::shared_ptr<const Policy>> policies;  // in stage order
  std::size_t early_policies = 0;  // the first so many: asked before it is found that there is no Endpoint (2.4.11)

  bool operator==(const Route&) const;  // policies compare by what they were parsed from
};

// One path of a Host. A Path whose Route has no upstream_key is answered 404 by us; one whose Upstream has no
// endpoints, or that is denied, is answered 503.
struct Path {
  std::string path;  // as in the Ingress: always starts with '/'; in a regex Host, the regex without its "^"
  PathType type = PathType::prefix;
  bool denied = false;  // an annotation that guards this Path is unusable: fail closed with 503
  std::shared_ptr<const Route> route = nowhere();  // never null; mostly shared with other Paths

  static const std::shared_ptr<const Route>& nowhere();
  // Gives this Path a Route of its own, to be changed before the Path is shared.
  Route& own_route();

  bool operator==(const Path& other) const {
    return path == other.path && type == other.type && denied == other.denied &&
           (route == other.route || *route == *other.route);
  }
};

// Everything under one host name. Paths stand in the order in which they are tried in regex mode; otherwise the
// RouteTable decides: an Exact match, then the longest Prefix (by path segments).
struct Host {
  std::string name;          // lower case; "*.example.com" matches exactly one more label; "" is the catch-all
  bool regex = false;        // every path is a case-insensitive regex anchored at its start (contract 2.4.1)
  bool tls = false;          // an Ingress names this host in spec.tls: what ssl-redirect looks at
  std::string tls_policy{};  // what a TLS connection must have agreed to beyond the usual; "" = nothing. Connections
                             // made under one policy do not reach hosts of another (421)
  std::vector<Path> paths;

  bool operator==(const Host&) const = default;
};

// Settings of the whole program that may change while it runs.
struct Settings {
  int redirect_code = 308;  // of ssl-redirect and from-to-www
  std::vector<std::string> no_tls_redirect_paths{"/.well-known/acme-challenge"};
  bool hsts = true;
  std::uint64_t hsts_max_age_seconds = 31'536'000;
  bool hsts_include_subdomains = true;

  bool operator==(const Settings&) const = default;
};

struct Config {
  std::map<std::string, std::shared_ptr<const Host>, std::less<>> hosts;          // by name
  std::map<std::string, std::shared_ptr<const Upstream>, std::less<>> upstreams;  // by key
  std::map<std::string, std::shared_ptr<const TlsHost>, std::less<>> tls_hosts;   // by name
  std::shared_ptr<const Settings> settings = std::make_shared<Settings>();
};

// What is different in a newer Config. A null pointer says that the part is gone.
struct ConfigDelta {
  std::map<std::string, std::shared_ptr<const Host>, std::less<>> hosts;
  std::map<std::string, std::shared_ptr<const Upstream>, std::less<>> upstreams;
  std::map<std::string, std::shared_ptr<const TlsHost>, std::less<>> tls_hosts;
  std::shared_ptr<const Settings> settings;  // null = unchanged

  bool empty() const { return hosts.empty() && upstreams.empty() && tls_hosts.empty() && !settings; }
};

// By value, so equal parts at different addresses are no difference.
ConfigDelta diff(const Config& from, const Config& to);
// Applies a delta in place: apply(from, diff(from, to)) equals to.
void apply(Config& config, const ConfigDelta& delta);
bool operator==(const Config& a, const Config& b);

// Stable text of a Config for golden tests, the admin page and change logs: sorted, one fact a line, no key material.
std::string config_text(const Config& config);

}  // namespace fairlead

#include "router/policies/known_annotations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace fairlead {
namespace {

constexpr std::string_view names[] = {
    "affinity",
    "affinity-canary-behavior",
    "affinity-mode",
    "allowlist-source-range",
    "app-root",
    "auth-always-set-cookie",
    "auth-cache-duration",
    "auth-cache-key",
    "auth-keepalive",
    "auth-keepalive-requests",
    "auth-keepalive-share-vars",
    "auth-keepalive-timeout",
    "auth-method",
    "auth-proxy-set-headers",
    "auth-realm",
    "auth-request-redirect",
    "auth-response-headers",
    "auth-secret",
    "auth-secret-type",
    "auth-signin",
    "auth-signin-redirect-param",
    "auth-snippet",
    "auth-tls-error-page",
    "auth-tls-match-cn",
    "auth-tls-pass-certificate-to-upstream",
    "auth-tls-secret",
    "auth-tls-verify-client",
    "auth-tls-verify-depth",
    "auth-type",
    "auth-url",
    "backend-protocol",
    "canary",
    "canary-by-cookie",
    "canary-by-header",
    "canary-by-header-pattern",
    "canary-by-header-value",
    "canary-weight",
    "canary-weight-total",
    "client-body-buffer-size",
    "configuration-snippet",
    "connection-proxy-header",
    "cors-allow-credentials",
    "cors-allow-headers",
    "cors-allow-methods",
    "cors-allow-origin",
    "cors-expose-headers",
    "cors-max-age",
    "custom-headers",
    "custom-http-errors",
    "default-backend",
    "denylist-source-range",
    "disable-proxy-intercept-errors",
    "enable-access-log",
    "enable-cors",
    "enable-global-auth",
    "enable-modsecurity",
    "enable-opentelemetry",
    "enable-owasp-core-rules",
    "enable-rewrite-log",
    "fastcgi-index",
    "fastcgi-params-configmap",
    "force-ssl-redirect",
    "from-to-www-redirect",
    "http2-push-preload",
    "limit-allowlist",
    "limit-burst-multiplier",
    "limit-connections",
    "limit-rate",
    "limit-rate-after",
    "limit-rpm",
    "limit-rps",
    "limit-whitelist",
    "load-balance",
    "mirror-host",
    "mirror-request-body",
    "mirror-target",
    "modsecurity-snippet",
    "modsecurity-transaction-id",
    "opentelemetry-operation-name",
    "opentelemetry-trust-incoming-span",
    "permanent-redirect",
    "permanent-redirect-code",
    "preserve-trailing-slash",
    "proxy-body-size",
    "proxy-buffer-size",
    "proxy-buffering",
    "proxy-buffers-number",
    "proxy-busy-buffers-size",
    "proxy-connect-timeout",
    "proxy-cookie-domain",
    "proxy-cookie-path",
    "proxy-http-version",
    "proxy-max-temp-file-size",
    "proxy-next-upstream",
    "proxy-next-upstream-timeout",
    "proxy-next-upstream-tries",
    "proxy-read-timeout",
    "proxy-redirect-from",
    "proxy-redirect-to",
    "proxy-request-buffering",
    "proxy-send-timeout",
    "proxy-ssl-ciphers",
    "proxy-ssl-name",
    "proxy-ssl-protocols",
    "proxy-ssl-secret",
    "proxy-ssl-server-name",
    "proxy-ssl-verify",
    "proxy-ssl-verify-depth",
    "relative-redirects",
    "rewrite-target",
    "satisfy",
    "server-alias",
    "server-snippet",
    "service-upstream",
    "session-cookie-change-on-failure",
    "session-cookie-conditional-samesite-none",
    "session-cookie-domain",
    "session-cookie-expires",
    "session-cookie-max-age",
    "session-cookie-name",
    "session-cookie-partitioned",
    "session-cookie-path",
    "session-cookie-samesite",
    "session-cookie-secure",
    "ssl-ciphers",
    "ssl-passthrough",
    "ssl-prefer-server-ciphers",
    "ssl-redirect",
    "stream-snippet",
    "temporal-redirect",
    "temporal-redirect-code",
    "upstream-hash-by",
    "upstream-hash-by-subset",
    "upstream-hash-by-subset-size",
    "upstream-vhost",
    "use-port-in-redirects",
    "use-regex",
    "whitelist-source-range",
    "x-forwarded-prefix",
};

// Annotations that ingress-nginx itself stopped obeying years ago; a trailing '*' stands for any ending.
struct Gone {
  std::string_view name;
  std::string_view instead;
};

constexpr Gone gone[] = {
    {"add-base-url", "remove it"},
    {"enable-influxdb", "remove it"},
    {"enable-opentracing", "remove it"},
    {"global-rate-limit*", "remove it"},
    {"influxdb-*", "remove it"},
    {"opentracing-*", "remove it"},
    {"rate-limit*", "it never existed; limits are called limit-rps, limit-rpm and limit-connections"},
    {"secure-backends", "write backend-protocol: \"HTTPS\""},
    {"upstream-fail-timeout", "remove it"},
    {"upstream-max-fails", "remove it"},
};

bool is_meant_by(const Gone& entry, std::string_view name) {
  if (!entry.name.ends_with('*')) return name == entry.name;
  return name.starts_with(entry.name.substr(0, entry.name.size() - 1));
}

// The name of either list that is nearest to a mistyped one, or "" when none is near.
std::string_view nearest(std::string_view name, std::span<const std::string_view> owned) {
  std::size_t best = name.size() < 8 ? 2 : 3;
  std::string_view found;
  for (const auto list : {owned, known_annotations()}) {
    for (const std::string_view candidate : list) {
      const std::size_t distance = edit_distance(name, candidate, best);
      if (distance > best || (distance == best && !found.empty())) continue;
      best = distance;
      found = candidate;
    }
  }
  return found;
}

}  // namespace

std::span<const std::string_view> known_annotations() {
  return names;
}

std::string describe_stranger(std::string_view name, std::span<const std::string_view> owned) {
  if (std::binary_search(std::begin(names), std::end(names), name)) {
    return "known to ingress-nginx but not supported by Fairlead yet: it has no effect. Remove it, or keep this "
           "Ingress "
           "with ingress-nginx until it is";
  }
  for (const Gone& entry : gone) {
    if (is_meant_by(entry, name)) return fmt::format("ingress-nginx ignores this annotation too: {}", entry.instead);
  }
  if (const std::string_view near = nearest(name, owned); !near.empty()) {
    return fmt::format("unknown annotation, it has no effect; did you mean \"{}\"?", near);
  }
  return "unknown annotation, it has no effect; remove it or correct its name";
}

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > limit) return limit + 1;
  std::vector<std::size_t> row(a.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t j = 1; j <= b.size(); ++j) {
    std::size_t diagonal = std::exchange(row[0], j);
    for (std::size_t i = 1; i <= a.size(); ++i) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[i], std::min({replaced, row[i] + 1, row[i - 1] + 1}));
    }
  }
  return std::min(row[a.size()], limit + 1);
}

}  // namespace fairlead

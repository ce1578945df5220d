#include <array>
#include <cstdio>
#include <string>
#include <string_view>

#include "router/config.hpp"
#include "router/policies/policy.hpp"

namespace fairlead {
namespace {

// Lines of "name value", indented by what they belong to. A control character never breaks a line.
class Lines {
 public:
  void add(int depth, std::string_view name, std::string_view value = {}) {
    text_.append(static_cast<std::size_t>(depth) * 2, ' ').append(name);
    if (!value.empty()) {
      text_ += ' ';
      append_escaped(value);
    }
    text_ += '\n';
  }

  std::string take() && { return std::move(text_); }

 private:
  void append_escaped(std::string_view value) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const char c : value) {
      const unsigned char byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte == 0x7f) {
        text_.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
      } else {
        text_ += c;
      }
    }
  }

  std::string text_;
};

// FNV-1a: tells one certificate chain from the next without showing it.
std::string fingerprint(std::string_view chain) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : chain) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(hash));
  return text.data();
}

std::string milliseconds(std::chrono::milliseconds duration) {
  return std::to_string(duration.count()) + "ms";
}

std::string address_text(const Endpoint& endpoint) {
  const std::string address = endpoint.address.to_string();
  return (endpoint.address.is_v4() ? address : "[" + address + "]") + ":" + std::to_string(endpoint.port);
}

void add_settings(Lines& lines, const Settings& settings) {
  lines.add(0, "settings");
  lines.add(1, "redirect-code", std::to_string(settings.redirect_code));
  for (const std::string& path : settings.no_tls_redirect_paths) lines.add(1, "no-tls-redirect-path", path);
  lines.add(1, "hsts", settings.hsts ? "on" : "off");
  lines.add(1, "hsts-max-age", std::to_string(settings.hsts_max_age_seconds));
  lines.add(1, "hsts-include-subdomains", settings.hsts_include_subdomains ? "on" : "off");
}

// What is as it is by default goes without saying.
void add_path_settings(Lines& lines, const PathSettings& settings) {
  const PathSettings usual;
  if (settings.connect_timeout != usual.connect_timeout) {
    lines.add(2, "connect-timeout", milliseconds(settings.connect_timeout));
  }
  if (settings.send_timeout != usual.send_timeout) lines.add(2, "send-timeout", milliseconds(settings.send_timeout));
  if (settings.read_timeout != usual.read_timeout) lines.add(2, "read-timeout", milliseconds(settings.read_timeout));
  if (settings.max_body_bytes != usual.max_body_bytes) {
    lines.add(2, "max-body-bytes", std::to_string(settings.max_body_bytes));
  }
  if (settings.next_upstream != usual.next_upstream) lines.add(2, "next-upstream", settings.next_upstream.text());
  if (settings.next_upstream_tries != usual.next_upstream_tries) {
    lines.add(2, "next-upstream-tries", std::to_string(settings.next_upstream_tries));
  }
  if (settings.next_upstream_timeout != usual.next_upstream_timeout) {
    lines.add(2, "next-upstream-timeout", milliseconds(settings.next_upstream_timeout));
  }
}

void add_path(Lines& lines, const Path& path) {
  const Route& route = *path.route;
  lines.add(1, path.type == PathType::exact ? "path exact" : "path prefix", path.path);
  if (!route.ns.empty() || !route.ingress.empty()) lines.add(2, "ingress", route.ns + "/" + route.ingress);
  if (!route.service.empty() || !route.port.empty()) lines.add(2, "service", route.service + ":" + route.port);
  lines.add(2, "upstream", route.upstream_key.empty() ? "none" : route.upstream_key);
  if (path.denied) lines.add(2, "denied");
  add_path_settings(lines, route.settings);
  for (const auto& policy : route.policies) lines.add(2, "policy", policy->describe());
}

void add_host(Lines& lines, const Host& host) {
  lines.add(0, "host", host.name.empty() ? "(any)" : host.name);
  if (host.regex) lines.add(1, "regex");
  if (host.tls) lines.add(1, "tls");
  if (!host.tls_policy.empty()) lines.add(1, "tls-policy", host.tls_policy);
  for (const Path& path : host.paths) add_path(lines, path);
}

void add_upstream(Lines& lines, const Upstream& upstream) {
  lines.add(0, "upstream", upstream.key);
  if (upstream.name != upstream.key) lines.add(1, "name", upstream.name);
  if (upstream.protocol != UpstreamProtocol::http) lines.add(1, "protocol", text_of(upstream.protocol));
  if (upstream.balancing == Balancing::power_of_two) lines.add(1, "balancing power-of-two");
  for (const Endpoint& endpoint : upstream.endpoints) lines.add(1, "endpoint", address_text(endpoint));
}

void add_tls_host(Lines& lines, const TlsHost& host) {
  lines.add(0, "tls-host", host.name.empty() ? "(default)" : host.name);
  for (const auto& source : host.candidates) {
    if (!source) continue;
    lines.add(1, "certificate", source->ns + "/" + source->name + " chain " + fingerprint(source->certificate_pem));
  }
}

}  // namespace

std::string_view text_of(UpstreamProtocol protocol) {
  switch (protocol) {
    case UpstreamProtocol::http:
      return "http";
    case UpstreamProtocol::https:
      return "https";
    case UpstreamProtocol::h2c:
      return "h2c";
    case UpstreamProtocol::h2:
      return "h2";
  }
  return "http";
}

// Paths stand in their Host's order, which decides in regex mode; everything else is sorted by name.
std::string config_text(const Config& config) {
  Lines lines;
  add_settings(lines, *config.settings);
  for (const auto& [name, host] : config.hosts) add_host(lines, *host);
  for (const auto& [key, upstream] : config.upstreams) add_upstream(lines, *upstream);
  for (const auto& [name, host] : config.tls_hosts) add_tls_host(lines, *host);
  return std::move(lines).take();
}

}  // namespace fairlead

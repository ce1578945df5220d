// Sends http requests to https: those of hosts that have a certificate, or all of them by force.
#include "router/policies/policy.hpp"
#include "router/policies/text.hpp"

namespace fairlead {
namespace {

class SslRedirect final : public Policy {
 public:
  SslRedirect(bool force, bool keep_slash) : force_(force), keep_slash_(keep_slash) {}

  Outcome on_request(PolicyRequest& request) const override {
    if (request.https || !(force_ || request.host_entry.tls) || exempt(request)) return std::nullopt;
    if (request.host.empty()) return PolicyReply{.status = 400};  // HTTP/1.0 without Host: nowhere to send it
    std::string_view target = sent_path_and_query(request);
    if (!keep_slash_ && target.ends_with('/')) target.remove_suffix(1);
    return PolicyReply{.status = request.settings.redirect_code,
                       .location = join(request.arena, {"https://", request.host, target})};
  }

  std::string describe() const override {
    return std::string(force_ ? "ssl-redirect force" : "ssl-redirect") + (keep_slash_ ? " keep-slash" : "");
  }

 private:
  // By the path of the Ingress, not by that of the request (contract 2.4.3): what a certificate issuer's own Ingress
  // serves must be reachable by http; everybody else's paths are not opened.
  static bool exempt(const PolicyRequest& request) {
    for (const std::string& prefix : request.settings.no_tls_redirect_paths) {
      if (!prefix.empty() && request.path.path.starts_with(prefix)) return true;
    }
    return false;
  }

  bool force_;
  bool keep_slash_;
};

void parse(PolicyParse& parse) {
  const bool wanted = parse.boolean("ssl-redirect", true);
  const bool force = parse.boolean("force-ssl-redirect", false);
  const bool keep_slash = parse.boolean("preserve-trailing-slash", false);
  if (!wanted && !force) return;
  // Nearly every Ingress has the defaults: they share one.
  static const auto standard = std::make_shared<const SslRedirect>(false, false);
  parse.add(force || keep_slash ? std::make_shared<const SslRedirect>(force, keep_slash) : standard);
}

constexpr AnnotationSpec annotations[] = {
    {"ssl-redirect", "Redirects http to https (308) when the host has a TLS section.", "true", Risk::low},
    {"force-ssl-redirect", "Redirects http to https even without a TLS section.", "false", Risk::medium},
    {"preserve-trailing-slash", "Keeps a final slash in that redirect, which is dropped otherwise.", "false",
     Risk::medium},
};

}  // namespace

extern constinit const PolicySpec ssl_redirect_policy{"ssl-redirect", Stage::tls_redirect, annotations, parse};

}  // namespace fairlead

#include <fmt/format.h>

#include <algorithm>

#include "watcher/config_parts.hpp"

namespace fairlead {
namespace {

const Known<Secret>* find_secret(const ClusterState& state, const ObjectName& name) {
  const auto found = state.secrets().find(name);
  return found == state.secrets().end() ? nullptr : &found->second;
}

void add_candidate(TlsHost& host, const ClusterState& state, const ObjectName& name) {
  const Known<Secret>* const known = find_secret(state, name);
  if (!known || !known->accepted) return;
  const auto& certificate = known->accepted->certificate;
  auto& candidates = host.candidates;
  if (std::find(candidates.begin(), candidates.end(), certificate) == candidates.end()) {
    candidates.push_back(certificate);
  }
}

}  // namespace

std::shared_ptr<const TlsHost> build_tls_host(const std::string& name, const PartsByAge& parts,
                                              const ClusterState& state) {
  auto host = std::make_shared<TlsHost>();
  host->name = name;
  for (const auto& [order, part] : parts) {
    for (const ObjectName& secret : part->tls.at(name).secrets) add_candidate(*host, state, secret);
  }
  return host;
}

std::shared_ptr<const TlsHost> build_default_tls_host(const ClusterState& state, const TranslateOptions& options) {
  const auto secret = default_certificate(options);
  if (!secret) return nullptr;
  auto host = std::make_shared<TlsHost>();
  add_candidate(*host, state, *secret);
  return host;
}

Problems secret_problems(const ObjectName& secret, const PartsByAge& parts, const ClusterState& state,
                         const TranslateOptions& options) {
  if (!state.answered(secret)) return {};
  const Known<Secret>* const known = find_secret(state, secret);
  Problems problems;
  if (known) problems = known->problems;
  if (known && known->accepted) return problems;
  const std::string message =
      fmt::format("Secret {}/{} {}; until it is {}, another certificate is served", secret.ns, secret.name,
                  known ? "holds no usable certificate" : "does not exist", known ? "corrected" : "created");
  if (secret == default_certificate(options)) {
    problems.push_back({{std::string(text_of(Kind::secret)), secret.ns, secret.name},
                        "",
                        "as the default certificate: " + message,
                        Severity::warning});
  }
  for (const auto& [order, part] : parts) {
    for (const std::string& field : part->secrets.at(secret)) {
      problems.push_back({part->ref(), field, message, Severity::warning});
    }
  }
  return problems;
}

}  // namespace fairlead

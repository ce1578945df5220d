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

const IngressPart& deciding_part(const std::string& name, const PartsByAge& parts) {
  const auto named =
      std::find_if(parts.begin(), parts.end(), [&](const auto& at) { return at.second->tls.at(name).secured; });
  return *(named == parts.end() ? parts.begin() : named)->second;
}

}  // namespace

const TlsShare& deciding_share(const std::string& name, const PartsByAge& parts) {
  return deciding_part(name, parts).tls.at(name);
}

Problems tls_problems(const std::string& name, const PartsByAge& parts) {
  const IngressPart& winner = deciding_part(name, parts);
  const TlsShare& won = winner.tls.at(name);
  Problems problems;
  for (const auto& [order, part] : parts) {
    const TlsShare& lost = part->tls.at(name);
    const bool same = part->name.ns == winner.name.ns && lost.secrets == won.secrets;
    if (!lost.secured || same) continue;
    problems.push_back({part->ref(), "spec.tls",
                        fmt::format("the certificate of host \"{}\" is what Ingress {}/{} says, which is older or goes "
                                    "first; what this Ingress says is not used. Name the host in one of the two only",
                                    name, winner.name.ns, winner.name.name),
                        Severity::warning});
  }
  return problems;
}

std::shared_ptr<const TlsHost> build_tls_host(const std::string& name, const PartsByAge& parts,
                                              const ClusterState& state) {
  auto host = std::make_shared<TlsHost>();
  host->name = name;
  for (const ObjectName& secret : deciding_share(name, parts).secrets) add_candidate(*host, state, secret);
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
  if (known) problems = known->problems.get();
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

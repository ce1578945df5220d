#include "tls/certificate_store.hpp"

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "router/base/sharded_map.hpp"
#include "tls/certificate.hpp"

namespace fairlead {

namespace {

struct HostEntry {
  std::shared_ptr<const TlsHost> host;
  HostCertificates certificates;
};

// One Secret as last heard of. Hosts that name it share what was parsed.
struct SecretEntry {
  std::shared_ptr<const CertificateSource> source;
  std::shared_ptr<const Certificate>
      certificate;           // of the source, or the last good one before it; null if there never was one
  std::size_t mentions = 0;  // by hosts of this store
};

constexpr const char* certificate_field = "data[\"tls.crt\"]";

// "*.example.com" is kept as ".example.com", so that a lookup needs no string of its own.
std::string_view host_key(std::string_view name) {
  return name.starts_with("*.") ? name.substr(1) : name;
}

std::string secret_key(const CertificateSource& source) {
  return source.ns + '/' + source.name;
}

Problem secret_problem(const CertificateSource& source, std::string field, std::string message, Severity severity) {
  return {{"Secret", source.ns, source.name}, std::move(field), std::move(message), severity};
}

Problem unusable(const CertificateSource& source, const CertificateFault& fault, bool has_last_good) {
  return secret_problem(source, fault.field,
                        fault.message + (has_last_good ? ". The last good certificate of this Secret is still served"
                                                       : ". Hosts that want it get the default certificate"),
                        Severity::error);
}

Problems dated(const CertificateSource& source, const Certificate& certificate) {
  switch (certificate.validity_now()) {
    case Certificate::Validity::valid:
      return {};
    case Certificate::Validity::expired:
      return {secret_problem(source, certificate_field,
                             "the certificate has expired; it is served all the same, renew it", Severity::notice)};
    case Certificate::Validity::not_yet_valid:
      break;
  }
  return {secret_problem(source, certificate_field,
                         "the certificate is not valid yet; it is served all the same, check its dates",
                         Severity::notice)};
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t most = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > most) text += ", …";
  return text.empty() ? "no name" : text;
}

Problem mismatch(const CertificateSource& source, const Certificate& certificate, const std::string& host) {
  return secret_problem(source, certificate_field,
                        "the certificate is not valid for the host \"" + host + "\" (it is for " +
                            listed(certificate.names()) +
                            "), so that host gets the default certificate; issue one that names it",
                        Severity::warning);
}

}  // namespace

struct CertificateStore::Parts {
  ShardedMap<std::shared_ptr<const HostEntry>> hosts;      // by host_key
  ShardedMap<std::shared_ptr<const SecretEntry>> secrets;  // by secret_key
  ShardedMap<Problems> problems;                           // by "h" + host_key or "s" + secret_key; none is empty
  std::shared_ptr<const Certificate> generated;
  HostCertificates fallback;

  mutable std::once_flag listed_once;
  mutable Problems all_problems;

  class Change;
};

// Makes the parts of the next store out of those of the last.
class CertificateStore::Parts::Change {
 public:
  explicit Change(const Parts& last)
      : generated_(last.generated), hosts_(last.hosts), secrets_(last.secrets), problems_(last.problems) {}

  void set_host(std::string_view name, const std::shared_ptr<const TlsHost>& host) {
    const std::string_view key = host_key(name);
    release(key);
    if (!host) return;
    auto entry = std::make_shared<HostEntry>();
    entry->host = host;
    Problems mismatches;
    for (const auto& source : host->candidates) {
      const auto certificate = mention(source);
      if (!certificate) continue;
      if (name.empty() || certificate->verifies_for(name)) {
        entry->certificates.add(certificate);
      } else if (mismatches.empty()) {
        mismatches.push_back(mismatch(*source, *certificate, host->name));
      }
    }
    // Candidates of a host that has its certificate may well be meant for other hosts of their Ingress.
    if (entry->certificates.empty() && !mismatches.empty()) problems_.set(problem_key('h', key), std::move(mismatches));
    hosts_.set(std::string(key), std::move(entry));
  }

  std::unique_ptr<const Parts> finish() && {
    for (const auto& key : released_) forget_if_unmentioned(key);
    auto next = std::make_unique<Parts>();
    next->hosts = std::move(hosts_).finish();
    next->secrets = std::move(secrets_).finish();
    next->problems = std::move(problems_).finish();
    next->generated = generated_;
    if (const auto* entry = next->hosts.find("")) next->fallback = (*entry)->certificates;
    if (next->fallback.empty()) next->fallback.add(generated_);
    return next;
  }

 private:
  static std::string problem_key(char kind, std::string_view key) { return std::string(1, kind).append(key); }

  void release(std::string_view key) {
    const auto* found = hosts_.find(key);
    if (!found) return;
    const std::shared_ptr<const HostEntry> entry = *found;
    for (const auto& source : entry->host->candidates) {
      const std::string secret = secret_key(*source);
      auto changed = std::make_shared<SecretEntry>(**secrets_.find(secret));
      --changed->mentions;
      secrets_.set(secret, std::move(changed));
      released_.insert(secret);
    }
    hosts_.erase(key);
    problems_.erase(problem_key('h', key));
  }

  // Only now: a Secret may have been let go of by one host and taken up by another, and its last good certificate
  // stays.
  void forget_if_unmentioned(const std::string& key) {
    if ((*secrets_.find(key))->mentions != 0) return;
    secrets_.erase(key);
    problems_.erase(problem_key('s', key));
  }

  // What to serve for this Secret, parsed if it is new or has changed.
  std::shared_ptr<const Certificate> mention(const std::shared_ptr<const CertificateSource>& source) {
    const std::string key = secret_key(*source);
    const auto* known = secrets_.find(key);
    auto entry = known ? std::make_shared<SecretEntry>(**known) : std::make_shared<SecretEntry>();
    ++entry->mentions;
    const bool same = entry->source && (entry->source == source || *entry->source == *source);
    entry->source = source;
    if (!same) set_problems(key, parse(*entry));
    auto certificate = entry->certificate;
    secrets_.set(key, std::move(entry));
    return certificate;
  }

  static Problems parse(SecretEntry& entry) {
    auto parsed = Certificate::parse(*entry.source);
    if (!parsed) return {unusable(*entry.source, parsed.error(), entry.certificate != nullptr)};
    entry.certificate = std::move(*parsed);
    return dated(*entry.source, *entry.certificate);
  }

  void set_problems(const std::string& secret, Problems found) {
    const std::string key = problem_key('s', secret);
    if (found.empty()) {
      problems_.erase(key);
    } else {
      problems_.set(key, std::move(found));
    }
  }

  std::shared_ptr<const Certificate> generated_;
  ShardedMap<std::shared_ptr<const HostEntry>>::Editor hosts_;
  ShardedMap<std::shared_ptr<const SecretEntry>>::Editor secrets_;
  ShardedMap<Problems>::Editor problems_;
  std::set<std::string> released_;
};

std::shared_ptr<const CertificateStore> CertificateStore::create() {
  auto parts = std::make_unique<Parts>();
  parts->generated = Certificate::generate_default();
  parts->fallback.add(parts->generated);
  return std::shared_ptr<const CertificateStore>(new CertificateStore(std::move(parts)));
}

std::shared_ptr<const CertificateStore> CertificateStore::with(
    const std::map<std::string, std::shared_ptr<const TlsHost>, std::less<>>& changed) const {
  Parts::Change change(*parts_);
  for (const auto& [name, host] : changed) change.set_host(name, host);
  return std::shared_ptr<const CertificateStore>(new CertificateStore(std::move(change).finish()));
}

const HostCertificates& CertificateStore::find(std::string_view server_name) const {
  if (server_name.empty() || server_name.front() == '.') return parts_->fallback;
  const auto* entry = parts_->hosts.find(server_name);
  if (!entry) {
    const std::size_t dot = server_name.find('.');
    if (dot != std::string_view::npos) entry = parts_->hosts.find(server_name.substr(dot));
  }
  return entry && !(*entry)->certificates.empty() ? (*entry)->certificates : parts_->fallback;
}

const Problems& CertificateStore::problems() const {
  std::call_once(parts_->listed_once, [this] {
    Problems& all = parts_->all_problems;
    parts_->problems.for_each(
        [&all](const auto&, const Problems& some) { all.insert(all.end(), some.begin(), some.end()); });
    std::sort(all.begin(), all.end());
  });
  return parts_->all_problems;
}

std::vector<CertificateFacts> CertificateStore::facts() const {
  std::vector<CertificateFacts> facts;
  const auto add = [&facts](std::string_view host, const HostCertificates& certificates) {
    for (const auto& certificate : certificates.by_type) {
      if (!certificate) continue;
      facts.push_back(certificate->facts());
      facts.back().host = host;
    }
  };
  add("_", parts_->fallback);
  parts_->hosts.for_each([&add](const std::string& key, const auto& entry) {
    if (!key.empty()) add(entry->host->name, entry->certificates);
  });
  std::sort(facts.begin(), facts.end(), [](const auto& a, const auto& b) {
    return std::tie(a.host, a.key_algorithm) < std::tie(b.host, b.key_algorithm);
  });
  return facts;
}

CertificateStore::CertificateStore(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
CertificateStore::~CertificateStore() = default;

}  // namespace fairlead

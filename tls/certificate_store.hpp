#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "router/base/problem.hpp"
#include "router/base/tls_host.hpp"
#include "tls/openssl_ptr.hpp"

namespace fairlead {

// The certificates a host is served with: at most one of each key type.
struct HostCertificates;  // certificate.hpp

// Facts of a served certificate, for metrics and the admin page.
struct CertificateFacts {
  std::string host, ns, secret;  // host: "_" for the default certificate
  std::string issuer_organization, issuer_common_name, serial_number, key_algorithm;
  std::int64_t not_after_unix = 0;
};

// Host name -> certificates. Immutable; with() parses only what changed and shares the rest.
class CertificateStore {
 public:
  // Knows only a freshly generated self-signed default certificate ("Kubernetes Ingress Controller Fake Certificate").
  static std::shared_ptr<const CertificateStore> create();

  // changed: by host name, null = gone; "" is the default certificate (null = the generated one again).
  // A candidate that cannot be parsed, or whose key does not fit, yields a Problem naming the Secret, and the last good
  // certificate that came from the same Secret is kept in its place. A certificate that does not verify for the host is
  // not used, and is a Problem if no other candidate does. Expired ones are used, with a notice.
  std::shared_ptr<const CertificateStore> with(
      const std::map<std::string, std::shared_ptr<const TlsHost>, std::less<>>& changed) const;

  // server_name: canonical. Exact, then one-label wildcard, then the default.
  const HostCertificates& find(std::string_view server_name) const;

  const Problems& problems() const;  // of everything in this store
  std::vector<CertificateFacts> facts() const;

  ~CertificateStore();

 private:
  struct Parts;
  explicit CertificateStore(std::unique_ptr<const Parts> parts);
  std::unique_ptr<const Parts> parts_;
};

}  // namespace fairlead

#pragma once

#include <memory>
#include <string>
#include <vector>

namespace fairlead {

// A certificate chain and its key as they stand in a Secret of type kubernetes.io/tls. Not yet parsed.
struct CertificateSource {
  std::string ns;
  std::string name;
  std::string certificate_pem;  // leaf first, then intermediates
  std::string key_pem;          // secret: never logged, never shown

  bool operator==(const CertificateSource&) const = default;
};

// What a host name may be served with over TLS. The first candidate of each key type (ECDSA, RSA) whose certificate
// verifies for the name is used; when none does, the default certificate is.
struct TlsHost {
  std::string name;  // lower case: "a.example.com", "*.example.com"; "" is the default certificate
  std::vector<std::shared_ptr<const CertificateSource>> candidates;

  bool operator==(const TlsHost& other) const;
};

}  // namespace fairlead

#pragma once

#include <array>
#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "router/base/result.hpp"
#include "router/base/tls_host.hpp"
#include "tls/certificate_store.hpp"
#include "tls/openssl_ptr.hpp"

namespace fairlead {

enum class KeyType : std::uint8_t { ecdsa, rsa, ed25519 };
inline constexpr std::size_t key_type_count = 3;

// Why what a Secret holds cannot be served.
struct CertificateFault {
  std::string field;  // data["tls.crt"] or data["tls.key"]
  std::string message;
};

[[noreturn]] inline void throw_exception_from_error(const CertificateFault& fault,
                                                    const boost::source_location& where) {
  throw_exception_from_error(Failure{fault.message}, where);
}

// A certificate with its intermediates and its private key, known to fit together. Immutable; any thread.
class Certificate {
 public:
  using Parsed = boost::system::result<std::shared_ptr<const Certificate>, CertificateFault>;
  enum class Validity : std::uint8_t { valid, expired, not_yet_valid };

  static Parsed parse(const CertificateSource& source);
  // "Kubernetes Ingress Controller Fake Certificate": self-signed, ECDSA P-256, with a fresh key.
  static std::shared_ptr<const Certificate> generate_default();

  KeyType key_type() const { return key_type_; }
  // As RFC 6125: the names in subjectAltName; the common name only when there are none. A wildcard stands for one
  // label, and "*.example.com" asks whether the certificate has that very wildcard.
  bool verifies_for(std::string_view host) const;
  Validity validity_now() const;
  std::vector<std::string> names() const;                   // for messages
  const CertificateFacts& facts() const { return facts_; }  // host is empty

  // Offers it in this session, beside certificates of other key types.
  bool use_in(SSL* ssl) const;

 private:
  struct ChainFree {
    void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
  };
  using ChainPtr = std::unique_ptr<STACK_OF(X509), ChainFree>;

  Certificate() = default;
  static boost::system::result<ChainPtr, CertificateFault> read_chain(std::string_view pem);
  static boost::system::result<EvpPkeyPtr, CertificateFault> read_key(std::string_view pem, const X509* leaf);
  static CertificateFault wrong_key(X509* leaf, STACK_OF(X509) * rest, EVP_PKEY* key);
  void fill_facts();

  X509Ptr leaf_;
  ChainPtr intermediates_;
  EvpPkeyPtr key_;
  KeyType key_type_ = KeyType::ecdsa;
  CertificateFacts facts_;
};

struct HostCertificates {
  std::array<std::shared_ptr<const Certificate>, key_type_count> by_type;

  bool empty() const {
    for (const auto& certificate : by_type) {
      if (certificate) return false;
    }
    return true;
  }
  // The first of a key type stays.
  void add(std::shared_ptr<const Certificate> certificate) {
    auto& place = by_type[static_cast<std::size_t>(certificate->key_type())];
    if (!place) place = std::move(certificate);
  }
};

}  // namespace fairlead

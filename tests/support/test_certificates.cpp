#include "tests/support/test_certificates.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>

namespace fairlead {

namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, Freed<X509_free>>;

void require(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("test certificate: ") + what);
}

// RSA keys take long to make; within one test program all certificates of a size share one.
Key rsa_key(unsigned bits) {
  static const Key strong(EVP_RSA_gen(2048));
  static const Key weak(EVP_RSA_gen(1024));
  EVP_PKEY* key = bits == 1024 ? weak.get() : strong.get();
  EVP_PKEY_up_ref(key);
  return Key(key);
}

Key make_key(TestKey kind) {
  switch (kind) {
    case TestKey::ecdsa:
      return Key(EVP_EC_gen("P-256"));
    case TestKey::secp256k1:
      return Key(EVP_EC_gen("secp256k1"));
    case TestKey::rsa:
      return rsa_key(2048);
    case TestKey::weak_rsa:
      return rsa_key(1024);
    case TestKey::ed25519:
      return Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }
  return nullptr;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

Cert read_certificate(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Cert(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

Key read_key(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}

void add_name(X509_NAME* name, const char* field, const std::string& value) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(value.c_str());
  if (!value.empty()) require(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, bytes, -1, -1, 0) == 1, field);
}

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  require(extension && X509_add_ext(certificate, extension, -1) == 1, value.c_str());
  X509_EXTENSION_free(extension);
}

void add_extensions(X509* certificate, const std::vector<std::string>& names, bool is_ca) {
  if (is_ca) add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "DNS:" : ",DNS:") + name;
  if (!list.empty()) add_extension(certificate, NID_subject_alt_name, list);
}

}  // namespace

TestCertificate make_certificate(const std::vector<std::string>& names, const TestCertificateOptions& options) {
  const Key key = make_key(options.key);
  const Cert certificate(X509_new());
  X509* x509 = certificate.get();
  require(key && x509 && X509_set_version(x509, X509_VERSION_3) == 1, "key");
  std::uint32_t serial = 0;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "serial");
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial);
  X509_gmtime_adj(X509_getm_notBefore(x509), options.begins_in_seconds);
  X509_gmtime_adj(X509_getm_notAfter(x509), options.ends_in_seconds);
  add_name(X509_get_subject_name(x509), "O", options.organization);
  add_name(X509_get_subject_name(x509), "CN", options.common_name);
  add_extensions(x509, names, options.is_ca);
  require(X509_set_pubkey(x509, key.get()) == 1, "public key");

  const Cert issuer = options.issuer ? read_certificate(options.issuer->certificate_pem) : nullptr;
  const Key issuer_key = options.issuer ? read_key(options.issuer->key_pem) : nullptr;
  X509_set_issuer_name(x509, X509_get_subject_name(issuer ? issuer.get() : x509));
  EVP_PKEY* signer = issuer_key ? issuer_key.get() : key.get();
  const EVP_MD* digest = EVP_PKEY_get_base_id(signer) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
  require(X509_sign(x509, signer, digest) > 0, "signature");

  const Bio certificate_text(BIO_new(BIO_s_mem()));
  const Bio key_text(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(certificate_text.get(), x509) == 1, "PEM");
  require(PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1, "PEM");
  return {text_of(certificate_text.get()), text_of(key_text.get())};
}

}  // namespace fairlead

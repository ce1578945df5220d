#include "tls/certificate.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <optional>
#include <stdexcept>
#include <utility>

#include "tls/private_key.hpp"

namespace fairlead {

namespace {

constexpr const char* certificate_field = "data[\"tls.crt\"]";
constexpr const char* key_field = "data[\"tls.key\"]";
constexpr std::size_t max_pem_bytes = 1024 * 1024;  // as large as Kubernetes lets a Secret be

// What OpenSSL complained of first; empties the queue.
std::string reason() {
  const char* text = ERR_reason_error_string(ERR_peek_error());
  std::string result = text ? text : "unknown reason";
  ERR_clear_error();
  return result;
}

CertificateFault certificate_fault(std::string message) {
  return {certificate_field, std::move(message)};
}
CertificateFault key_fault(std::string message) {
  return {key_field, std::move(message)};
}

BioPtr reader(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

int refuse_passphrase(char*, int, int, void*) {
  return -1;
}

std::optional<KeyType> type_of(const EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_EC:
      return KeyType::ecdsa;
    case EVP_PKEY_RSA:
      return KeyType::rsa;
    case EVP_PKEY_ED25519:
      return KeyType::ed25519;
    default:
      return std::nullopt;
  }
}

// No TLS 1.3 client can be served with another curve (RFC 8446 4.2.3).
bool has_tls_curve(const EVP_PKEY* key) {
  char group[64];
  std::size_t length = 0;
  if (EVP_PKEY_get_group_name(key, group, sizeof group, &length) != 1) return false;
  const int curve = OBJ_txt2nid(group);
  return curve == NID_X9_62_prime256v1 || curve == NID_secp384r1 || curve == NID_secp521r1;
}

std::string entry_of(const X509_NAME* name, int nid) {
  const int at = X509_NAME_get_index_by_NID(name, nid, -1);
  if (at < 0) return {};
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) return {};
  std::string result(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return result;
}

std::string decimal(const ASN1_INTEGER* number) {
  BIGNUM* value = ASN1_INTEGER_to_BN(number, nullptr);
  char* text = value ? BN_bn2dec(value) : nullptr;
  std::string result = text ? text : "";
  OPENSSL_free(text);
  BN_free(value);
  return result;
}

std::int64_t unix_seconds(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(timegm(&parts)) : 0;
}

const char* name_of(KeyType type) {
  switch (type) {
    case KeyType::rsa:
      return "RSA";
    case KeyType::ed25519:
      return "Ed25519";
    case KeyType::ecdsa:
      break;
  }
  return "ECDSA";
}

// A session of a bare context: what it refuses (key too small, digest too weak) every handshake would refuse.
SslPtr trial_session() {
  static const SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  return SslPtr(SSL_new(context.get()));
}

void require(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("generating the default certificate: ") + what);
}

void name_subject(X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const auto add = [subject](const char* field, const char* value) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(value);
    require(X509_NAME_add_entry_by_txt(subject, field, MBSTRING_ASC, bytes, -1, -1, 0) == 1, field);
  };
  add("O", "Acme Co");
  add("CN", "Kubernetes Ingress Controller Fake Certificate");
  require(X509_set_issuer_name(certificate, subject) == 1, "issuer");

  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:ingress.local");
  require(names && X509_add_ext(certificate, names, -1) == 1, "names");
  X509_EXTENSION_free(names);
}

X509Ptr self_signed(EVP_PKEY* key) {
  constexpr long validity_seconds = 10L * 365 * 24 * 3600;
  X509Ptr certificate(X509_new());
  std::uint64_t serial = 0;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "random bytes");
  require(certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1, "version");
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), validity_seconds);
  name_subject(certificate.get());
  require(X509_set_pubkey(certificate.get(), key) == 1, "public key");
  require(X509_sign(certificate.get(), key, EVP_sha256()) > 0, "signature");
  return certificate;
}

}  // namespace

Certificate::Parsed Certificate::parse(const CertificateSource& source) {
  ERR_clear_error();
  auto chain = read_chain(source.certificate_pem);
  if (!chain) return std::move(chain).error();
  auto key = read_key(source.key_pem, sk_X509_value(chain->get(), 0));
  if (!key) return std::move(key).error();

  const std::shared_ptr<Certificate> made(new Certificate);
  made->intermediates_ = std::move(*chain);
  made->leaf_.reset(sk_X509_shift(made->intermediates_.get()));
  made->key_ = std::move(*key);
  if (X509_check_private_key(made->leaf_.get(), made->key_.get()) != 1) {
    return wrong_key(made->leaf_.get(), made->intermediates_.get(), made->key_.get());
  }
  const auto type = type_of(made->key_.get());
  if (!type || (*type == KeyType::ecdsa && !has_tls_curve(made->key_.get()))) {
    return key_fault("the kind of key is not supported; use RSA, ECDSA (P-256, P-384, P-521) or Ed25519");
  }
  made->key_type_ = *type;
  if (!made->use_in(trial_session().get())) {
    return certificate_fault("the certificate is too weak to be served (" + reason() + "); issue a stronger one");
  }
  made->fill_facts();
  made->facts_.ns = source.ns;
  made->facts_.secret = source.name;
  return std::shared_ptr<const Certificate>(made);
}

boost::system::result<Certificate::ChainPtr, CertificateFault> Certificate::read_chain(std::string_view pem) {
  if (pem.size() > max_pem_bytes) return certificate_fault("it is larger than 1 MiB; leave only the server's chain");
  ChainPtr chain(sk_X509_new_null());
  const BioPtr input = reader(pem);
  while (X509* next = PEM_read_bio_X509(input.get(), nullptr, refuse_passphrase, nullptr)) {
    if (sk_X509_push(chain.get(), next) > 0) continue;
    X509_free(next);
    return certificate_fault("out of memory");
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const int read = sk_X509_num(chain.get());
  if (!at_end) {
    return certificate_fault("certificate " + std::to_string(read + 1) + " of the chain cannot be read (" + reason() +
                             "); store it again, in PEM form");
  }
  ERR_clear_error();
  if (read == 0) {
    return certificate_fault(
        "it holds no certificate in PEM form; put the server's certificate there, then its intermediates");
  }
  return chain;
}

boost::system::result<EvpPkeyPtr, CertificateFault> Certificate::read_key(std::string_view pem, const X509* leaf) {
  if (pem.size() > max_pem_bytes) return key_fault("it is larger than 1 MiB; leave only the private key");
  EvpPkeyPtr key = read_private_key(pem, X509_get0_pubkey(leaf));
  if (key) return key;
  if (pem.find("PRIVATE KEY-----") == std::string_view::npos) {
    return key_fault("it holds no private key in PEM form; put the key of the first certificate there");
  }
  if (pem.find("ENCRYPTED") != std::string_view::npos) {
    return key_fault("the private key is encrypted; store it without a passphrase");
  }
  return key_fault("the private key cannot be read; store it again, in PEM form");
}

CertificateFault Certificate::wrong_key(X509* leaf, STACK_OF(X509) * rest, EVP_PKEY* key) {
  int belongs_to = 0;
  for (int i = 0; i < sk_X509_num(rest); ++i) {
    if (X509_check_private_key(sk_X509_value(rest, i), key) == 1) belongs_to = i + 2;
  }
  ERR_clear_error();
  if (belongs_to != 0) {
    return certificate_fault("the private key belongs to certificate " + std::to_string(belongs_to) +
                             " of the chain, not to the first; put the server's certificate first");
  }
  const std::string subject = entry_of(X509_get_subject_name(leaf), NID_commonName);
  return key_fault("the private key does not belong to the first certificate" +
                   (subject.empty() ? std::string() : " (\"" + subject + "\")") + " of " + certificate_field +
                   "; store the pair that was issued together");
}

std::shared_ptr<const Certificate> Certificate::generate_default() {
  const std::shared_ptr<Certificate> made(new Certificate);
  made->key_.reset(EVP_EC_gen("P-256"));
  require(made->key_ != nullptr, "key");
  made->leaf_ = self_signed(made->key_.get());
  made->intermediates_.reset(sk_X509_new_null());
  made->key_type_ = KeyType::ecdsa;
  made->fill_facts();
  made->facts_.secret = "default-fake-certificate";
  return made;
}

bool Certificate::verifies_for(std::string_view host) const {
  // To X509_check_host a leading dot would mean "any name below".
  if (host.empty() || host.front() == '.') return false;
  return X509_check_host(leaf_.get(), host.data(), host.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

Certificate::Validity Certificate::validity_now() const {
  if (X509_cmp_current_time(X509_get0_notAfter(leaf_.get())) < 0) return Validity::expired;
  if (X509_cmp_current_time(X509_get0_notBefore(leaf_.get())) > 0) return Validity::not_yet_valid;
  return Validity::valid;
}

std::vector<std::string> Certificate::names() const {
  std::vector<std::string> names;
  auto* general = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf_.get(), NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(general); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(general, i);
    if (name->type != GEN_DNS) continue;
    const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    names.emplace_back(text, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  GENERAL_NAMES_free(general);
  if (names.empty()) {
    std::string common_name = entry_of(X509_get_subject_name(leaf_.get()), NID_commonName);
    if (!common_name.empty()) names.push_back(std::move(common_name));
  }
  ERR_clear_error();
  return names;
}

bool Certificate::use_in(SSL* ssl) const {
  return SSL_use_cert_and_key(ssl, leaf_.get(), key_.get(), intermediates_.get(), 1) == 1;
}

void Certificate::fill_facts() {
  const X509_NAME* issuer = X509_get_issuer_name(leaf_.get());
  facts_.issuer_organization = entry_of(issuer, NID_organizationName);
  facts_.issuer_common_name = entry_of(issuer, NID_commonName);
  facts_.serial_number = decimal(X509_get0_serialNumber(leaf_.get()));
  facts_.key_algorithm = name_of(key_type_);
  facts_.not_after_unix = unix_seconds(X509_get0_notAfter(leaf_.get()));
  ERR_clear_error();
}

}  // namespace fairlead

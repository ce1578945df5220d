#include "tls/private_key.hpp"

#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <map>
#include <string>
#include <utility>

namespace fairlead {

namespace {

int refuse_passphrase(char*, int, int, void*) {
  return -1;
}

BioPtr reader(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// One block of a PEM text; wiped when let go of.
class PemBlock {
 public:
  PemBlock(BIO* input, const char* kind) {
    char* name = nullptr;
    if (PEM_bytes_read_bio(&bytes_, &size_, &name, kind, input, refuse_passphrase, nullptr) == 1) name_ = name;
    OPENSSL_free(name);
  }
  PemBlock(const PemBlock&) = delete;
  PemBlock& operator=(const PemBlock&) = delete;
  ~PemBlock() { OPENSSL_clear_free(bytes_, static_cast<std::size_t>(size_)); }

  const unsigned char* bytes() const { return bytes_; }
  std::size_t size() const { return static_cast<std::size_t>(size_); }
  const std::string& name() const { return name_; }

 private:
  unsigned char* bytes_ = nullptr;
  long size_ = 0;
  std::string name_;
};

// Decodes one kind of key in one form. Setting one up is nearly all that reading a key costs, so they are kept.
class KeyDecoder {
 public:
  KeyDecoder(const char* form, const char* type)
      : context_(OSSL_DECODER_CTX_new_for_pkey(&decoded_, "DER", form, type, EVP_PKEY_KEYPAIR, nullptr, nullptr)) {}
  KeyDecoder(const KeyDecoder&) = delete;
  KeyDecoder& operator=(const KeyDecoder&) = delete;

  EvpPkeyPtr decode(const PemBlock& block) {
    const unsigned char* at = block.bytes();
    std::size_t left = block.size();
    const bool done = context_ && OSSL_DECODER_from_data(context_.get(), &at, &left) == 1;
    EvpPkeyPtr key(std::exchange(decoded_, nullptr));
    return done ? std::move(key) : nullptr;
  }

 private:
  EVP_PKEY* decoded_ = nullptr;
  std::unique_ptr<OSSL_DECODER_CTX, OpensslFree<OSSL_DECODER_CTX_free>> context_;
};

// Null too when the key is not what was expected: the caller then reads it the long way.
EvpPkeyPtr read_as(std::string_view pem, const EVP_PKEY* expected) {
  const char* type = EVP_PKEY_get0_type_name(expected);
  const BioPtr input = reader(pem);
  const PemBlock block(input.get(), PEM_STRING_EVP_PKEY);
  const bool wrapped = block.name() == PEM_STRING_PKCS8INF;
  if (!type || (!wrapped && block.name() != PEM_STRING_ECPRIVATEKEY && block.name() != PEM_STRING_RSA)) return nullptr;

  thread_local std::map<std::pair<std::string, bool>, KeyDecoder> decoders;
  const char* form = wrapped ? "PrivateKeyInfo" : "type-specific";
  return decoders.try_emplace({type, wrapped}, form, type).first->second.decode(block);
}

}  // namespace

EvpPkeyPtr read_private_key(std::string_view pem, const EVP_PKEY* expected) {
  EvpPkeyPtr key = expected ? read_as(pem, expected) : nullptr;
  if (!key) {
    const BioPtr input = reader(pem);
    key.reset(PEM_read_bio_PrivateKey(input.get(), nullptr, refuse_passphrase, nullptr));
  }
  ERR_clear_error();
  return key;
}

}  // namespace fairlead

#include "tls/session_tickets.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <stdexcept>

namespace fairlead {

namespace {

using Keys = SessionTickets::Keys;

void fill(unsigned char* bytes, std::size_t size) {
  if (RAND_priv_bytes(bytes, static_cast<int>(size)) != 1) {
    throw std::runtime_error("no random bytes for a session ticket key");
  }
}

std::shared_ptr<Keys> empty_keys() {
  std::shared_ptr<Keys> keys(new Keys, [](Keys* old) {
    OPENSSL_cleanse(old->data(), old->size() * sizeof(TicketKey));
    delete old;
  });
  keys->reserve(SessionTickets::kept_keys);  // no copy of a key stays behind in memory given back
  return keys;
}

void add_fresh(Keys& keys) {
  TicketKey& key = keys.emplace_back();
  fill(key.name.data(), key.name.size());
  fill(key.aes_key.data(), key.aes_key.size());
  fill(key.hmac_key.data(), key.hmac_key.size());
}

bool set_up(const TicketKey& key, const unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, bool encrypt) {
  char digest[] = "SHA256";
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key.hmac_key.data()),
                                        key.hmac_key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, params) == 1 &&
         EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.aes_key.data(), iv, encrypt ? 1 : 0) == 1;
}

int tickets_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// Contract of SSL_CTX_set_tlsext_ticket_key_evp_cb: 1 = use it, 2 = use it and send a new ticket, 0 = no ticket.
// Clients use a TLS 1.3 ticket once (RFC 8446, C.4): without a new one only every other connection of theirs would
// resume.
int ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
               int encrypt) {
  const auto* tickets = static_cast<const SessionTickets*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), tickets_index()));
  const auto keys = tickets->keys();
  if (encrypt) {
    const TicketKey& newest = keys->front();
    std::copy(newest.name.begin(), newest.name.end(), name);
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    return set_up(newest, iv, cipher, mac, true) ? 1 : -1;
  }
  const auto named = [name](const TicketKey& key) { return std::equal(key.name.begin(), key.name.end(), name); };
  const auto key = std::find_if(keys->begin(), keys->end(), named);
  if (key == keys->end()) return 0;
  if (!set_up(*key, iv, cipher, mac, false)) return -1;
  return key == keys->begin() && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
}

}  // namespace

SessionTickets::SessionTickets() {
  auto keys = empty_keys();
  add_fresh(*keys);
  keys_ = std::move(keys);
}

SessionTickets::~SessionTickets() = default;

void SessionTickets::rotate() {
  auto next = empty_keys();
  add_fresh(*next);
  const std::lock_guard lock(mutex_);
  const std::size_t kept = std::min(keys_->size(), kept_keys - 1);
  next->insert(next->end(), keys_->begin(), keys_->begin() + static_cast<std::ptrdiff_t>(kept));
  keys_ = std::move(next);
}

std::shared_ptr<const Keys> SessionTickets::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

void SessionTickets::serve(SSL_CTX* context) {
  SSL_CTX_set_ex_data(context, tickets_index(), this);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket_key);
}

}  // namespace fairlead

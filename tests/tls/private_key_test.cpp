#include "tls/private_key.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <thread>

#include "tests/support/test_certificates.hpp"

namespace fairlead {
namespace {

constexpr TestKey all_kinds[] = {TestKey::ecdsa, TestKey::rsa, TestKey::ed25519};

std::string key_text(TestKey kind) {
  return make_certificate({"a.test"}, {.key = kind}).key_pem;
}

// The older forms: RSA PRIVATE KEY, EC PRIVATE KEY.
std::string traditional(const EVP_PKEY* key) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey_traditional(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

TEST(PrivateKey, IsTheSameWhateverIsExpected) {
  for (const TestKey kind : all_kinds) {
    const std::string text = key_text(kind);
    const EvpPkeyPtr plain = read_private_key(text, nullptr);
    ASSERT_NE(plain, nullptr);
    for (const TestKey other : all_kinds) {
      const EvpPkeyPtr expected = read_private_key(key_text(other), nullptr);
      const EvpPkeyPtr key = read_private_key(text, expected.get());
      ASSERT_NE(key, nullptr);
      EXPECT_EQ(EVP_PKEY_eq(key.get(), plain.get()), 1);
    }
  }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(PrivateKey, MayStandInItsOlderForm) {
  for (const TestKey kind : {TestKey::ecdsa, TestKey::rsa}) {
    const EvpPkeyPtr key = read_private_key(key_text(kind), nullptr);
    const std::string text = traditional(key.get());
    ASSERT_EQ(text.find("BEGIN PRIVATE KEY"), std::string::npos);
    const EvpPkeyPtr again = read_private_key(text, key.get());
    ASSERT_NE(again, nullptr);
    EXPECT_EQ(EVP_PKEY_eq(key.get(), again.get()), 1);
  }
}

TEST(PrivateKey, ABadOneDoesNotSpoilTheNext) {
  for (const TestKey kind : all_kinds) {
    const std::string text = key_text(kind);
    const EvpPkeyPtr key = read_private_key(text, nullptr);
    std::string bad = text;
    bad.replace(40, 8, "AAAAAAAA");
    EXPECT_EQ(read_private_key(bad, key.get()), nullptr);
    EXPECT_EQ(read_private_key("", key.get()), nullptr);
    EXPECT_EQ(read_private_key("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", key.get()), nullptr);
    const EvpPkeyPtr next = read_private_key(text, key.get());
    ASSERT_NE(next, nullptr);
    EXPECT_EQ(EVP_PKEY_eq(key.get(), next.get()), 1);
  }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(PrivateKey, IsReadInSeveralThreadsAtOnce) {
  const std::string text = key_text(TestKey::ecdsa);
  const EvpPkeyPtr key = read_private_key(text, nullptr);
  std::array<int, 3> good{};
  std::vector<std::thread> threads;
  for (int& count : good) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) count += read_private_key(text, key.get()) != nullptr;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, (std::array<int, 3>{20, 20, 20}));
}

}  // namespace
}  // namespace fairlead

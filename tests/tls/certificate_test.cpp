#include "tls/certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <ctime>

#include "tests/support/test_certificates.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Certificate::Parsed parse(const std::string& certificate_pem, const std::string& key_pem) {
  auto parsed = Certificate::parse({"default", "secret", certificate_pem, key_pem});
  EXPECT_EQ(ERR_peek_error(), 0U) << "the error queue must be left empty";
  return parsed;
}

Certificate::Parsed parse(const TestCertificate& made) {
  return parse(made.certificate_pem, made.key_pem);
}

std::shared_ptr<const Certificate> certificate(const std::vector<std::string>& names,
                                               const TestCertificateOptions& options = {}) {
  return parse(make_certificate(names, options)).value();
}

TEST(Certificate, KnowsItsKeyType) {
  EXPECT_EQ(certificate({"a.example.com"})->key_type(), KeyType::ecdsa);
  EXPECT_EQ(certificate({"a.example.com"}, {.key = TestKey::rsa})->key_type(), KeyType::rsa);
  EXPECT_EQ(certificate({"a.example.com"}, {.key = TestKey::ed25519})->key_type(), KeyType::ed25519);
}

TEST(Certificate, TellsItsFacts) {
  const auto now = static_cast<std::int64_t>(std::time(nullptr));
  const auto facts =
      certificate({"a.example.com"},
                  {.key = TestKey::rsa, .ends_in_seconds = 1000, .common_name = "Own", .organization = "Org"})
          ->facts();
  EXPECT_EQ(facts.ns, "default");
  EXPECT_EQ(facts.secret, "secret");
  EXPECT_EQ(facts.issuer_common_name, "Own");
  EXPECT_EQ(facts.issuer_organization, "Org");
  EXPECT_EQ(facts.key_algorithm, "RSA");
  EXPECT_NEAR(static_cast<double>(facts.not_after_unix), static_cast<double>(now + 1000), 30);
  EXPECT_FALSE(facts.serial_number.empty());
  EXPECT_EQ(facts.serial_number.find_first_not_of("0123456789"), std::string::npos);
}

TEST(Certificate, VerifiesForItsNamesInAnyCase) {
  const auto made = certificate({"a.example.com", "B.example.com"});
  EXPECT_TRUE(made->verifies_for("a.example.com"));
  EXPECT_TRUE(made->verifies_for("b.example.com"));
  EXPECT_FALSE(made->verifies_for("c.example.com"));
  EXPECT_FALSE(made->verifies_for("example.com"));
  EXPECT_FALSE(made->verifies_for(""));
  EXPECT_FALSE(made->verifies_for(".example.com"));
  EXPECT_THAT(made->names(), ElementsAre("a.example.com", "B.example.com"));
}

TEST(Certificate, AWildcardStandsForExactlyOneLabel) {
  const auto made = certificate({"*.example.com"});
  EXPECT_TRUE(made->verifies_for("a.example.com"));
  EXPECT_TRUE(made->verifies_for("*.example.com"));
  EXPECT_FALSE(made->verifies_for("a.b.example.com"));
  EXPECT_FALSE(made->verifies_for("example.com"));
}

TEST(Certificate, APartialWildcardStandsForNothing) {
  EXPECT_FALSE(certificate({"a*.example.com"})->verifies_for("ab.example.com"));
}

TEST(Certificate, AnExactNameDoesNotVerifyForTheWildcard) {
  EXPECT_FALSE(certificate({"a.example.com"})->verifies_for("*.example.com"));
}

TEST(Certificate, TheCommonNameCountsOnlyWithoutAlternativeNames) {
  EXPECT_TRUE(certificate({}, {.common_name = "a.example.com"})->verifies_for("a.example.com"));
  EXPECT_THAT(certificate({}, {.common_name = "a.example.com"})->names(), ElementsAre("a.example.com"));
  EXPECT_FALSE(certificate({"b.example.com"}, {.common_name = "a.example.com"})->verifies_for("a.example.com"));
}

TEST(Certificate, KnowsWhetherItsTimeHasCome) {
  EXPECT_EQ(certificate({"a"})->validity_now(), Certificate::Validity::valid);
  EXPECT_EQ(certificate({"a"}, {.ends_in_seconds = -60})->validity_now(), Certificate::Validity::expired);
  EXPECT_EQ(certificate({"a"}, {.begins_in_seconds = 3600})->validity_now(), Certificate::Validity::not_yet_valid);
}

TEST(Certificate, TheGeneratedOneIsTheFamiliarFake) {
  const auto made = Certificate::generate_default();
  EXPECT_EQ(made->facts().issuer_common_name, "Kubernetes Ingress Controller Fake Certificate");
  EXPECT_EQ(made->facts().issuer_organization, "Acme Co");
  EXPECT_EQ(made->validity_now(), Certificate::Validity::valid);
  EXPECT_NE(made->facts().serial_number, Certificate::generate_default()->facts().serial_number);
}

struct BadPair {
  const char* what;
  std::string certificate_pem;
  std::string key_pem;
  const char* field;
  const char* message;
};

TEST(Certificate, SaysWhichFieldIsWrongAndWhy) {
  const auto good = make_certificate({"a.example.com"});
  const auto other = make_certificate({"a.example.com"});
  const auto ca = make_certificate({}, {.common_name = "CA", .is_ca = true});
  const auto leaf = make_certificate({"a.example.com"}, {.issuer = &ca});
  const auto weak = make_certificate({"a.example.com"}, {.key = TestKey::weak_rsa});
  const auto curve = make_certificate({"a.example.com"}, {.key = TestKey::secp256k1});
  const std::string cut = good.certificate_pem.substr(0, good.certificate_pem.size() / 2);
  std::string spoilt = good.certificate_pem;
  spoilt[spoilt.size() / 2] = '!';
  const std::string encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
  const std::string garbled = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
  const std::string huge(1024 * 1024 + 1, '\n');
  const char* crt = "data[\"tls.crt\"]";
  const char* key = "data[\"tls.key\"]";
  const BadPair bad[] = {
      {"no certificate", "", good.key_pem, crt, "no certificate in PEM form"},
      {"text for a certificate", "hello", good.key_pem, crt, "no certificate in PEM form"},
      {"a key for a certificate", good.key_pem, good.key_pem, crt, "no certificate in PEM form"},
      {"a cut certificate", cut, good.key_pem, crt, "certificate 1 of the chain cannot be read"},
      {"a spoilt certificate", spoilt, good.key_pem, crt, "certificate 1 of the chain cannot be read"},
      {"a spoilt intermediate", good.certificate_pem + spoilt, good.key_pem, crt, "certificate 2 of the chain"},
      {"a huge certificate", huge, good.key_pem, crt, "larger than 1 MiB"},
      {"no key", good.certificate_pem, "", key, "no private key in PEM form"},
      {"a certificate for a key", good.certificate_pem, good.certificate_pem, key, "no private key in PEM form"},
      {"a huge key", good.certificate_pem, huge, key, "larger than 1 MiB"},
      {"an encrypted key", good.certificate_pem, encrypted, key, "without a passphrase"},
      {"a garbled key", good.certificate_pem, garbled, key, "cannot be read"},
      {"another's key", good.certificate_pem, other.key_pem, key, "does not belong to the first certificate"},
      {"the wrong order", ca.certificate_pem + leaf.certificate_pem, leaf.key_pem, crt, "put the server's certificate"},
      {"a weak key", weak.certificate_pem, weak.key_pem, crt, "too weak"},
      {"a curve TLS does not have", curve.certificate_pem, curve.key_pem, key, "not supported"},
  };
  for (const BadPair& pair : bad) {
    const auto parsed = parse(pair.certificate_pem, pair.key_pem);
    ASSERT_FALSE(parsed) << pair.what;
    EXPECT_EQ(parsed.error().field, pair.field) << pair.what;
    EXPECT_THAT(parsed.error().message, HasSubstr(pair.message)) << pair.what;
    EXPECT_THAT(parsed.error().message, testing::Not(HasSubstr("BEGIN"))) << pair.what;
  }
}

TEST(Certificate, ToleratesTextAroundThePem) {
  const auto made = make_certificate({"a.example.com"});
  EXPECT_TRUE(parse("subject=test\r\n" + made.certificate_pem + "\ntrailing", "comment\n" + made.key_pem));
}

TEST(Certificate, FindsBothInOneCombinedPem) {
  const auto made = make_certificate({"a.example.com"});
  const std::string both = made.key_pem + made.certificate_pem;
  EXPECT_TRUE(parse(both, both));
}

}  // namespace
}  // namespace fairlead

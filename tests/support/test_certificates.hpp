#pragma once

#include <string>
#include <vector>

namespace fairlead {

// A certificate and its key, made for one test run.
struct TestCertificate {
  std::string certificate_pem;  // the leaf alone; append the issuer's to make a chain
  std::string key_pem;
};

enum class TestKey { ecdsa, rsa, ed25519, weak_rsa, secp256k1 };

struct TestCertificateOptions {
  TestKey key = TestKey::ecdsa;
  long begins_in_seconds = -3600;
  long ends_in_seconds = 24 * 3600;
  std::string common_name = "test";
  std::string organization = "Test";
  bool is_ca = false;
  const TestCertificate* issuer = nullptr;  // null = self-signed
};

// names become DNS entries of subjectAltName; without names there is no such extension.
TestCertificate make_certificate(const std::vector<std::string>& names, const TestCertificateOptions& options = {});

}  // namespace fairlead

// A Secret's bytes, whatever they are, cost at most a Problem.
#include <openssl/err.h>

#include <cstdlib>
#include <string_view>

#include "tls/certificate_store.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace fairlead;
  static const auto bare = CertificateStore::create();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = std::min(text.find("-----BEGIN PRIVATE KEY"), text.size());
  const auto source = std::make_shared<CertificateSource>(
      CertificateSource{"ns", "name", std::string(text.substr(0, cut)), std::string(text.substr(cut))});
  const auto host = std::make_shared<TlsHost>(TlsHost{"a.example.com", {source}});
  const auto store = bare->with({{host->name, host}});
  const bool served = &store->find("a.example.com") != &store->find("");
  if (!served && store->problems().empty()) std::abort();
  if (ERR_peek_error() != 0) std::abort();
  (void)store->facts();
  return 0;
}

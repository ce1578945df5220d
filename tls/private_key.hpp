#pragma once

#include <string_view>

#include "tls/openssl_ptr.hpp"

namespace fairlead {

// Reads the first private key of a PEM text, or null. expected: a key of the type it should have (the certificate's),
// which makes it about ten times as fast as PEM_read_bio_PrivateKey and changes nothing else; null = any. Clears the
// error queue.
EvpPkeyPtr read_private_key(std::string_view pem, const EVP_PKEY* expected);

}  // namespace fairlead

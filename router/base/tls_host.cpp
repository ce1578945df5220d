#include "router/base/tls_host.hpp"

#include <algorithm>

namespace fairlead {

bool TlsHost::operator==(const TlsHost& other) const {
  const auto same = [](const auto& a, const auto& b) { return a == b || (a && b && *a == *b); };
  return name == other.name &&
         std::equal(candidates.begin(), candidates.end(), other.candidates.begin(), other.candidates.end(), same);
}

}  // namespace fairlead

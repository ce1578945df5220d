#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "router/base/result.hpp"

namespace fairlead {

inline constexpr std::size_t max_manifest_bytes = 8 << 20;         // of a file
inline constexpr std::size_t max_manifest_documents = 10'000;      // in a file
inline constexpr std::size_t max_manifest_copied_bytes = 8 << 20;  // by YAML aliases: small files that mean large ones

// The objects in a manifest: YAML of one or more documents, or JSON. A `kind: List` (IngressList, …) stands for its
// items, an empty document for nothing. Typed as `kubectl apply` reads it; stricter in that a key that appears twice is
// refused. All or nothing: a Failure names the line, and never what stands there, which may be secret.
Result<std::vector<nlohmann::json>> parse_manifest(std::string_view text);

}  // namespace fairlead

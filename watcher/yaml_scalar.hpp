#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "router/base/result.hpp"

namespace fairlead {

// What a YAML scalar stands for when it is turned into JSON, by the rules of `kubectl apply` (sigs.k8s.io/yaml): YAML
// 1.1's booleans (yes, no, on, off, y, n), 0x, 0o, 0b and leading-zero octal numbers, digits grouped by '_'. Dates stay
// text. tag: as yaml-cpp gives it, "?" for a plain scalar, "!" for a quoted one.
Result<nlohmann::json> resolve_yaml_scalar(std::string_view tag, std::string_view text);

}  // namespace fairlead

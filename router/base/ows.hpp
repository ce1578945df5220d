#pragma once

#include <string_view>

namespace fairlead {

// Without the optional white space around it: spaces and tabs, and nothing else (RFC 9110 5.6.3).
inline std::string_view trim_ows(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace fairlead

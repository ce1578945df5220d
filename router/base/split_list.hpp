#pragma once

#include <string_view>
#include <vector>

namespace fairlead {

// Without spaces, tabs and line ends at both ends.
std::string_view trim(std::string_view text);

// The trimmed pieces of a comma-separated list, which may go over several lines; empty ones are left out. Views of
// `text`.
std::vector<std::string_view> split_list(std::string_view text);

}  // namespace fairlead

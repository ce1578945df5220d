#pragma once

#include <string>
#include <string_view>

namespace fairlead {

// For one value in the query of a URL: all but the unreserved characters of RFC 3986 (section 2.3).
std::string percent_encode(std::string_view text);

}  // namespace fairlead

#pragma once

#include <cstddef>
#include <string_view>

namespace fairlead {

// Where the first byte stands that belongs to no UTF-8 sequence (RFC 3629), or npos: JSON can hold the text.
std::size_t find_not_utf8(std::string_view text);

}  // namespace fairlead

#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace fairlead {

// The names of every annotation of ingress-nginx, aliases included, without prefix, sorted.
std::span<const std::string_view> known_annotations();

// What to tell a user whose annotation no policy owns. owned: the names that Fairlead honours.
std::string describe_stranger(std::string_view name, std::span<const std::string_view> owned);

// How many single-character edits (insert, delete, replace) lead from a to b, or limit + 1 when more than limit do.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit);

}  // namespace fairlead

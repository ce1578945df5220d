#pragma once

#include <initializer_list>
#include <memory_resource>
#include <string_view>

#include "router/base/split_list.hpp"
#include "router/policies/policy.hpp"

namespace fairlead {

// The parts in one piece of arena text.
std::string_view join(std::pmr::memory_resource* arena, std::initializer_list<std::string_view> parts);

// Path and query exactly as the client sent them, without the scheme and authority of an absolute-form target. Empty
// for "*" and for an absolute form without a path.
std::string_view sent_path_and_query(const PolicyRequest& request);

// Letters, digits and the given others only.
bool is_made_of(std::string_view text, std::string_view others);
bool is_token(std::string_view text);        // RFC 9110 5.6.2; not empty
bool is_field_value(std::string_view text);  // no control characters but tab

}  // namespace fairlead

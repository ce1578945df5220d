#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

namespace fairlead {

// What a server wrote, as one bounded line.
std::string one_line(std::string text);

// The value at a path of members, or null when there is none.
const nlohmann::json* value_at(const nlohmann::json& value, std::initializer_list<const char*> path);

// The string at a path of members, or "".
std::string text_at(const nlohmann::json& value, std::initializer_list<const char*> path);

}  // namespace fairlead

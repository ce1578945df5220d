#pragma once

#include <re2/re2.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead {

// The path of a regex Host as RE2 reads it: case-insensitive, byte by byte (a normal path need not be UTF-8), '.' also
// matches a line feed. Its memory is bounded, and matching takes time linear in the text. Not anchored: routing matches
// it at the start of a normal path (contract 2.4.1), a rewrite anywhere in it.
inline constexpr int path_regex_memory = 1024 * 1024;

// Null when the path is no such regex: then regex_problem says why.
std::unique_ptr<const re2::RE2> compile_path_regex(std::string_view path);

// What is wrong with a path as a regex and what to do, or nothing. One line, no trailing full stop.
std::optional<std::string> regex_problem(std::string_view path);

}  // namespace fairlead

#include "router/path_regex.hpp"

#include <fmt/format.h>

namespace fairlead {
namespace {

re2::RE2::Options path_options() {
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_case_sensitive(false);
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  options.set_dot_nl(true);
  options.set_max_mem(path_regex_memory);
  return options;
}

// Whether the text has the operator outside of "\…".
bool has_operator(std::string_view regex, std::string_view text) {
  for (std::size_t i = 0; i < regex.size(); ++i) {
    if (regex.substr(i).starts_with(text)) return true;
    if (regex[i] == '\\') ++i;
  }
  return false;
}

bool has_back_reference(std::string_view regex) {
  for (std::size_t i = 0; i + 1 < regex.size(); ++i) {
    if (regex[i] != '\\') continue;
    ++i;
    if (regex[i] >= '1' && regex[i] <= '9') return true;
    if (regex[i] == 'k' || regex[i] == 'g') return true;
  }
  return false;
}

// nginx runs PCRE. What of it RE2 leaves out (so that matching stays linear) deserves a word of advice.
std::string_view advice(std::string_view regex) {
  for (const std::string_view look_around : {"(?=", "(?!", "(?<=", "(?<!"}) {
    if (has_operator(regex, look_around)) {
      return "look-ahead and look-behind are not supported; give the excluded paths an Ingress path of their own";
    }
  }
  if (has_back_reference(regex)) return "back-references are not supported; write the repeated text out";
  for (const std::string_view other : {"(?>", "*+", "++", "?+", "(?|", "(?R", "(?("}) {
    if (has_operator(regex, other)) {
      return "atomic groups, possessive quantifiers, recursion and conditions are not supported; use plain groups";
    }
  }
  return "correct it; the syntax is that of RE2";
}

}  // namespace

std::unique_ptr<const re2::RE2> compile_path_regex(std::string_view path) {
  static const re2::RE2::Options options = path_options();
  auto regex = std::make_unique<const re2::RE2>(re2::StringPiece(path.data(), path.size()), options);
  if (!regex->ok()) return nullptr;
  return regex;
}

std::optional<std::string> regex_problem(std::string_view path) {
  const re2::RE2 regex(re2::StringPiece(path.data(), path.size()), path_options());
  if (regex.ok()) return std::nullopt;
  return fmt::format("\"{}\" is not a regular expression ({}): {}", path, regex.error(), advice(path));
}

}  // namespace fairlead

// A path as a regex compiles or has a Problem, and matches without regard to case. Input: the regex, a line feed, a
// path.
#include "router/path_matcher.hpp"
#include "router/path_regex.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace fairlead {
namespace {

constexpr std::size_t max_size = 1024;

std::string swap_case(std::string_view text) {
  std::string swapped(text);
  for (char& c : swapped) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter) c = static_cast<char>(c ^ 0x20);
  }
  return swapped;
}

}  // namespace
}  // namespace fairlead

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace fairlead;
  if (size > max_size) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view regex = text.substr(0, end);
  const std::string path = "/" + std::string(text.substr(std::min(end + 1, text.size())));

  const auto compiled = compile_path_regex(regex);
  const auto problem = regex_problem(regex);
  require((compiled == nullptr) == problem.has_value(), "a regex compiles or has a problem");
  if (problem) require(problem->find('\n') == std::string::npos && !problem->ends_with('.'), "a problem is one line");

  Host host;
  host.regex = true;
  host.paths.resize(2);
  host.paths[0].path = regex;
  host.paths[1].path = "/";
  const PathMatcher matcher(host);
  const std::size_t matched = matcher.match(path);
  require(matched != PathMatcher::none, "a root path catches what no other does");
  require(compiled || matched == 1, "what does not compile matches nothing");
  // Flags may turn case sensitivity on again; escapes and classes name characters of one case.
  if (regex.find_first_of("\\[?") != std::string_view::npos) return 0;
  require(matcher.match(swap_case(path)) == matched, "case does not matter");
  return 0;
}

#include "watcher/object_text.hpp"

#include <algorithm>

#include "watcher/parse.hpp"

namespace fairlead {

bool is_kubernetes_name(std::string_view text) {
  return !text.empty() && text.size() <= max_object_name && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

void check_object_name(const JsonField& object, const ObjectName& name) {
  const JsonField metadata = object.member("metadata");
  if (!is_kubernetes_name(name.name)) {
    metadata.member("name").refuse("is missing, or is not made of lower-case letters, digits, '-' and '.'");
  }
  if (!name.ns.empty() && !is_kubernetes_name(name.ns)) {
    metadata.member("namespace").refuse("is not made of lower-case letters, digits, '-' and '.'");
  }
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

}  // namespace fairlead

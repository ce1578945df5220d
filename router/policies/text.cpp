#include "router/policies/text.hpp"

#include <algorithm>

namespace fairlead {

std::string_view join(std::pmr::memory_resource* arena, std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (const std::string_view part : parts) size += part.size();
  if (size == 0) return {};
  char* const begin = static_cast<char*>(arena->allocate(size, 1));
  char* end = begin;
  for (const std::string_view part : parts) end = std::copy(part.begin(), part.end(), end);
  return {begin, size};
}

std::string_view sent_path_and_query(const PolicyRequest& request) {
  std::string_view target = request.head.target;
  if (target.starts_with('/')) return target;
  const std::size_t scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return {};
  target.remove_prefix(scheme_end + 3);
  const std::size_t path = target.find_first_of("/?");
  return path == std::string_view::npos ? std::string_view{} : target.substr(path);
}

bool is_made_of(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || others.find(c) != others.npos;
  });
}

bool is_token(std::string_view text) {
  return !text.empty() && is_made_of(text, "!#$%&'*+-.^_`|~");
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); });
}

}  // namespace fairlead

#pragma once

#include <vector>

#include "proxy/http1_head.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace fairlead {

inline constexpr HeadBounds fuzz_head_bounds{256, 1024};
inline constexpr std::size_t fuzz_max_fields = 16;

// Finds the head, at once and as it grows, and requires both to give the same.
inline std::size_t find_fuzzed_head(const FuzzInput& input, HeadError& error) {
  HeadScan scan;
  const std::size_t size = find_head(input.bytes, fuzz_head_bounds, scan, error);
  HeadScan growing;
  HeadError growing_error = HeadError::none;
  std::size_t growing_size = 0;
  Pieces pieces(input.seed);
  for (std::size_t end = 0; end < input.bytes.size() && growing_size == 0 && growing_error == HeadError::none;) {
    end = std::min(end + pieces.next(), input.bytes.size());
    growing_size = find_head(input.bytes.substr(0, end), fuzz_head_bounds, growing, growing_error);
  }
  require(size == growing_size && error == growing_error, "a head is found however it arrives");
  require(size == 0 || error == HeadError::none, "what is an error has no size");
  require(size <= fuzz_head_bounds.max_head, "a head keeps within its bound");
  return size;
}

inline void require_sound_fields(std::string_view head, const Fields& fields) {
  require(fields.list.size() <= fuzz_max_fields, "no more fields than there is room for");
  const auto inside = [&](std::string_view view) {
    return view.data() >= head.data() && view.data() + view.size() <= head.data() + head.size();
  };
  require(fields.end + 2 == head.data() + head.size(), "the fields end in front of the empty line");
  for (const Field& field : fields.list) {
    require(inside(field.name) && inside(field.value), "fields view the bytes received");
    require(!field.name.empty() && field.name.find_first_of(" \t:\r\n\"(),/;<=>?@[\\]{}") == std::string_view::npos,
            "a name is a token");
    const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; };
    require(std::none_of(field.name.begin(), field.name.end(), is_control), "a name has no control character");
    require(std::none_of(field.value.begin(), field.value.end(), is_control), "a value has no control character");
    const std::string_view blank = " \t";
    require(field.value.empty() || (blank.find(field.value.front()) == std::string_view::npos &&
                                    blank.find(field.value.back()) == std::string_view::npos),
            "a value has no white space around it");
    require(field.known == field_name(field.name), "a name is known as what it is");
  }
}

inline std::string written(const Fields& fields) {
  std::string text;
  for (const Field& field : fields.list) text.append(field.name).append(": ").append(field.value).append("\r\n");
  return text + "\r\n";
}

inline void require_same_fields(const Fields& a, const Fields& b) {
  require(std::equal(a.list.begin(), a.list.end(), b.list.begin(), b.list.end(),
                     [](const Field& x, const Field& y) { return x.name == y.name && x.value == y.value; }),
          "what is written is read back");
}

}  // namespace fairlead

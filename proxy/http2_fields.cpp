#include "proxy/http2_fields.hpp"

#include <span>

namespace fairlead {
namespace {

constexpr std::size_t text_size = 64 * 1024;  // twice the largest head
constexpr std::size_t usual_count = 64;

unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
}

}  // namespace

Http2Fields::Http2Fields() : text_(text_size) {
  fields_.reserve(usual_count);
}

Http2Fields::~Http2Fields() = default;

void Http2Fields::clear() {
  text_.clear();
  fields_.clear();
}

void Http2Fields::add(std::string_view name, std::string_view value) {
  const std::size_t begin = text_.size();
  text_.append(name);
  if (text_.overflow()) return;
  const std::string_view copied = text_.since(begin);
  for (char& c : std::span(const_cast<char*>(copied.data()), copied.size())) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  fields_.push_back({bytes_of(copied), bytes_of(value), copied.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
}

void Http2Fields::add_unindexed(std::string_view name, std::string_view value) {
  add(name, value);
  if (!overflow()) fields_.back().flags = NGHTTP2_NV_FLAG_NO_INDEX;
}

void Http2Fields::add_number(std::string_view name, std::uint64_t value) {
  const std::size_t begin = text_.size();
  text_.append_number(value);
  add(name, text_.since(begin));
}

void Http2Fields::add_lines(std::string_view lines) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) return;
    add(line.substr(0, colon), line.substr(colon + 2));
    lines.remove_prefix(line.size() + 2);
  }
}

const nghttp2_nv* Http2Fields::data() const {
  return fields_.data();
}

std::size_t Http2Fields::size() const {
  return fields_.size();
}

}  // namespace fairlead

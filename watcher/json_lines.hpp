#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "router/base/result.hpp"

namespace fairlead {

// Cuts a stream of bytes into lines, however the bytes are dealt out. Holds at most one line of max_line_bytes and the
// piece that was appended last.
class JsonLines {
 public:
  explicit JsonLines(std::size_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}

  // Take all lines with next() before the next append.
  void append(std::string_view bytes);

  // The next whole line that is not empty, without its line end; valid until the next call.
  std::optional<std::string_view> next();

  // A line was longer than allowed: nothing more comes out until clear().
  bool too_long() const { return too_long_; }

  void clear();

 private:
  std::size_t max_line_bytes_;
  std::string buffer_;
  std::size_t start_ = 0;    // of the line that comes next
  std::size_t scanned_ = 0;  // no line end before here: a slow drip costs no second look
  bool too_long_ = false;
};

// Deeper than any object we read, shallow enough for code that walks a value recursively.
inline constexpr int max_json_depth = 100;

// Parses one JSON text as the API server sends it, without what only field managers and kubectl read
// (metadata.managedFields, the last-applied annotation). Fails on bad JSON and on more than max_json_depth levels.
Result<nlohmann::json> parse_api_json(std::string_view text);

}  // namespace fairlead

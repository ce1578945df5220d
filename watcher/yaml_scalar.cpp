#include "watcher/yaml_scalar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "watcher/api_config.hpp"
#include "watcher/utf8.hpp"

namespace fairlead {
namespace {

using nlohmann::json;

constexpr std::string_view core_tag = "tag:yaml.org,2002:";

template <std::size_t Size>
bool is_one_of(const std::array<std::string_view, Size>& words, std::string_view text) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

constexpr std::array<std::string_view, 11> true_words = {"y",    "Y",    "yes", "Yes", "YES", "true",
                                                         "True", "TRUE", "on",  "On",  "ON"};
constexpr std::array<std::string_view, 11> false_words = {"n",     "N",     "no",  "No",  "NO", "false",
                                                          "False", "FALSE", "off", "Off", "OFF"};
constexpr std::array<std::string_view, 5> null_words = {"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 12> endless_words = {".nan",  ".NaN",  ".NAN",  ".inf",  ".Inf",  ".INF",
                                                            "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool looks_like_float(std::string_view text) {
  std::size_t at = 0;
  const auto skip_sign = [&] { at += at < text.size() && (text[at] == '-' || text[at] == '+') ? 1U : 0U; };
  const auto skip_digits = [&] {
    const std::size_t from = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - from;
  };
  skip_sign();
  const std::size_t whole = skip_digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (skip_digits() == 0 && whole == 0) return false;
  } else if (whole == 0) {
    return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    skip_sign();
    if (skip_digits() == 0) return false;
  }
  return at == text.size();
}

// Base by prefix: 0x, 0o, 0b, 0 (octal).
std::optional<json> parse_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char mark = static_cast<char>(text[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    text.remove_prefix(base == 8 && mark != 'o' ? 1 : 2);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!negative) return json(value);
  constexpr auto lowest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + 1;
  if (value > lowest) return std::nullopt;
  return json(static_cast<std::int64_t>(~value + 1));
}

std::optional<json> parse_float(std::string_view text) {
  if (!looks_like_float(text)) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  constexpr double exact = 9007199254740992.0;  // 2^53
  if (value == std::trunc(value) && std::abs(value) <= exact) return json(static_cast<std::int64_t>(value));
  return json(value);
}

json plain_scalar(std::string_view text) {
  if (is_one_of(null_words, text)) return nullptr;
  if (is_one_of(true_words, text)) return true;
  if (is_one_of(false_words, text)) return false;
  if (text[0] == '.') return parse_float(text).value_or(json(text));
  if (!is_digit(text[0]) && text[0] != '-' && text[0] != '+') return text;
  std::string digits(text);
  std::erase(digits, '_');
  if (auto number = parse_integer(digits)) return *number;
  return parse_float(digits).value_or(json(text));
}

bool fits(std::string_view type, const json& value) {
  if (type == "null") return value.is_null();
  if (type == "bool") return value.is_boolean();
  if (type == "int") return value.is_number_integer();
  return value.is_number();  // float
}

Result<json> resolved(json value) {
  return {boost::system::in_place_value, std::move(value)};
}

}  // namespace

Result<json> resolve_yaml_scalar(std::string_view tag, std::string_view text) {
  const bool plain = tag == "?";
  if (plain && is_one_of(endless_words, text)) return Failure{"'" + std::string(text) + "' cannot be written as JSON"};
  if (plain) return resolved(plain_scalar(text));
  if (!tag.starts_with(core_tag)) return resolved(text);
  const std::string_view type = tag.substr(core_tag.size());
  if (type == "binary") {
    const auto bytes = decode_base64(text);
    if (!bytes) return Failure{"a value marked !!binary is not base64"};
    if (find_not_utf8(*bytes) != std::string::npos) return Failure{"a value marked !!binary is no UTF-8 text"};
    return resolved(*bytes);
  }
  if (type != "null" && type != "bool" && type != "int" && type != "float") return resolved(text);
  json value = plain_scalar(text);
  if (!fits(type, value)) return Failure{"a value marked !!" + std::string(type) + " is none"};
  return resolved(std::move(value));
}

}  // namespace fairlead

#include "proxy/options_values.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace fairlead {
namespace {

using Nanoseconds = double;  // exact enough: 1000 hours are 3.6e15, below 2^53

constexpr Nanoseconds max_duration = 1000.0 * 3600 * 1e9;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_lower_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z');
}

// "1.5", ".5" or "1." at the beginning of text, taken off it.
std::optional<double> take_number(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
  const std::string_view number = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  if (std::none_of(number.begin(), number.end(), is_digit)) return std::nullopt;
  double value = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), value, std::chars_format::fixed);
  if (read.ec != std::errc{} || read.ptr != number.data() + number.size()) return std::nullopt;
  text.remove_prefix(number.size());
  return value;
}

std::optional<Nanoseconds> take_unit(std::string_view& text) {
  static constexpr std::pair<std::string_view, Nanoseconds> units[] = {
      {"ns", 1},   {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"\xce\xbcs", 1e3},
      {"ms", 1e6}, {"s", 1e9},  {"m", 60e9},        {"h", 3600e9}};
  const auto end = std::find_if(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
  const std::string_view unit = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  for (const auto& [name, nanoseconds] : units) {
    if (unit != name) continue;
    text.remove_prefix(unit.size());
    return nanoseconds;
  }
  return std::nullopt;
}

}  // namespace

std::optional<bool> parse_bool(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> parse_count(std::string_view text, std::uint64_t max) {
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_size(std::string_view text, std::uint64_t max) {
  std::uint64_t unit = 1;
  if (!text.empty()) {
    const char last = static_cast<char>(text.back() | 0x20);
    unit = last == 'k' ? 1u << 10 : last == 'm' ? 1u << 20 : last == 'g' ? 1u << 30 : 1;
    if (unit != 1) text.remove_suffix(1);
  }
  const auto count = parse_count(text, max / unit);
  if (!count) return std::nullopt;
  return *count * unit;
}

std::string size_text(std::uint64_t bytes) {
  for (const auto& [unit, suffix] : {std::pair{1u << 30, "g"}, {1u << 20, "m"}, {1u << 10, "k"}}) {
    if (bytes >= unit && bytes % unit == 0) return std::to_string(bytes / unit) + suffix;
  }
  return std::to_string(bytes);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (std::all_of(text.begin(), text.end(), is_digit)) {
    const auto seconds = parse_count(text, static_cast<std::uint64_t>(max_duration / 1e9));
    if (!seconds) return std::nullopt;
    return std::chrono::seconds(*seconds);
  }
  Nanoseconds sum = 0;
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    const auto unit = take_unit(text);
    if (!unit) return std::nullopt;
    sum += *number * *unit;
  }
  if (sum > max_duration) return std::nullopt;
  const auto milliseconds = static_cast<std::int64_t>(sum / 1e6 + 1e-6);
  return std::chrono::milliseconds(sum > 0 ? std::max<std::int64_t>(milliseconds, 1) : 0);
}

std::string duration_text(std::chrono::milliseconds time) {
  std::int64_t rest = time.count();
  if (rest == 0) return "0s";
  std::string text;
  for (const auto& [unit, name] : {std::pair{3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}, {1, "ms"}}) {
    if (rest >= unit) text += std::to_string(rest / unit) + name;
    rest %= unit;
  }
  return text;
}

bool is_dns_label(std::string_view text) {
  if (text.empty() || text.size() > 63) return false;
  if (!is_lower_alphanumeric(text.front()) || !is_lower_alphanumeric(text.back())) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return is_lower_alphanumeric(c) || c == '-'; });
}

bool is_dns_subdomain(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const std::size_t dot = text.find('.');
    if (!is_dns_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_object_name(std::string_view text) {
  const std::size_t slash = text.find('/');
  return slash != std::string_view::npos && is_dns_label(text.substr(0, slash)) &&
         is_dns_subdomain(text.substr(slash + 1));
}

}  // namespace fairlead

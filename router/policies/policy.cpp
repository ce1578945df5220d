#include "router/policies/policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "router/policies/known_annotations.hpp"

namespace fairlead {
namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return number;
}

// The spellings of Go's strconv.ParseBool.
std::optional<bool> parse_boolean(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

std::uint64_t unit_of(char suffix) {
  switch (suffix) {
    case 'k':
    case 'K':
      return 1024;
    case 'm':
    case 'M':
      return 1024 * 1024;
    case 'g':
    case 'G':
      return 1024 * 1024 * 1024;
    default:
      return 1;
  }
}

// Sorted names of every annotation that a spec owns.
const std::vector<std::string_view>& owned_annotations() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const PolicySpec* spec : all_policies()) {
      for (const AnnotationSpec& annotation : spec->annotations) all.push_back(annotation.name);
    }
    std::sort(all.begin(), all.end());
    return all;
  }();
  return names;
}

std::string_view risk_text(Risk risk) {
  switch (risk) {
    case Risk::low:
      return "low";
    case Risk::medium:
      return "medium";
    case Risk::high:
      return "high";
    case Risk::critical:
      return "critical";
  }
  return "";
}

}  // namespace

std::shared_ptr<const Policy> Policy::bind(std::string_view) const {
  return nullptr;
}

bool PolicyParse::has(std::string_view name) const {
  return text(name).has_value();
}

std::optional<std::string_view> PolicyParse::text(std::string_view name) const {
  const auto found = annotations_.find(name);
  if (found == annotations_.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

bool PolicyParse::boolean(std::string_view name, bool otherwise) {
  const auto value = text(name);
  if (!value) return otherwise;
  if (const auto parsed = parse_boolean(*value)) return *parsed;
  warn(name,
       fmt::format("\"{}\" is not a boolean; write \"true\" or \"false\". Until then it is {}", *value, otherwise));
  return otherwise;
}

std::optional<std::int64_t> PolicyParse::integer(std::string_view name, std::int64_t least, std::int64_t most) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const auto parsed = parse_number<std::int64_t>(*value);
  if (parsed && *parsed >= least && *parsed <= most) return parsed;
  warn(name, fmt::format("\"{}\" is not a whole number from {} to {}; the default is used", *value, least, most));
  return std::nullopt;
}

std::optional<std::uint64_t> PolicyParse::size(std::string_view name) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const std::uint64_t unit = unit_of(value->back());
  const auto number = parse_number<std::uint64_t>(value->substr(0, value->size() - (unit > 1 ? 1 : 0)));
  if (number && *number <= std::numeric_limits<std::int64_t>::max() / unit) return *number * unit;
  warn(name, fmt::format("\"{}\" is not a size such as \"8k\", \"10m\" or \"1g\"; the default is used", *value));
  return std::nullopt;
}

void PolicyParse::add(std::shared_ptr<const Policy> policy) {
  result_.policies.push_back({stage_, std::move(policy)});
}

void PolicyParse::note(std::string_view name, std::string message) {
  find(name, std::move(message), Severity::notice);
}

void PolicyParse::warn(std::string_view name, std::string message) {
  find(name, std::move(message), Severity::warning);
}

void PolicyParse::deny(std::string_view name, std::string message) {
  result_.denied = true;
  find(name, std::move(message), Severity::error);
}

void PolicyParse::deny_host(std::string_view name, std::string message) {
  result_.denies_host = true;
  deny(name, std::move(message));
}

void PolicyParse::reject(std::string_view name, std::string message) {
  result_.rejected = true;
  find(name, std::move(message), Severity::error);
}

void PolicyParse::find(std::string_view name, std::string message, Severity severity) {
  result_.findings.push_back({std::string(name), std::move(message), severity});
}

void PolicyParse::find_strangers() {
  const auto& owned = owned_annotations();
  for (const auto& [name, value] : annotations_) {
    if (!std::binary_search(owned.begin(), owned.end(), name)) warn(name, describe_stranger(name, owned));
  }
}

PolicyParse::Result parse_policies(const PolicyParse::Annotations& annotations, const Settings& settings) {
  PolicyParse parse(annotations, settings);
  for (const PolicySpec* spec : all_policies()) {
    parse.stage_ = spec->stage;
    spec->parse(parse);
  }
  parse.find_strangers();
  const auto earlier = [](const PolicyParse::Staged& a, const PolicyParse::Staged& b) { return a.stage < b.stage; };
  std::stable_sort(parse.result_.policies.begin(), parse.result_.policies.end(), earlier);
  return std::move(parse.result_);
}

std::string annotation_table() {
  std::string table = "| annotation | meaning | default | risk |\n|---|---|---|---|\n";
  for (const PolicySpec* spec : all_policies()) {
    for (const AnnotationSpec& annotation : spec->annotations) {
      const std::string standard =
          annotation.default_value.empty() ? "" : fmt::format("`{}`", annotation.default_value);
      table += fmt::format("| `{}` | {} | {} | {} |\n", annotation.name, annotation.meaning, standard,
                           risk_text(annotation.risk));
    }
  }
  return table;
}

}  // namespace fairlead

#include "router/path_matcher.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>

#include "router/path_regex.hpp"

namespace fairlead {
namespace {

void put_text(std::byte* at, std::string_view text) {
  text.copy(reinterpret_cast<char*>(at), text.size());
}

bool covers(std::string_view prefix, std::string_view path) {
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

}  // namespace

PathMatcher::PathMatcher(const Host& host)
    : name_size_(static_cast<std::uint32_t>(host.name.size())), regex_(host.regex) {
  if (!regex_) {
    compile_plain(host);
    return;
  }
  block_ = std::make_unique<std::byte[]>(name_size_);
  put_text(block_.get(), host.name);
  for (const Path& path : host.paths) extra().regexes.push_back(compile_path_regex(path.path));
}

// A Prefix counts without its trailing slash. Sizes fit: a path has 4 KB at the most, and a Host's paths are of objects
// of at most a few MB.
void PathMatcher::compile_plain(const Host& host) {
  const std::vector<Path>& paths = host.paths;
  rule_count_ = static_cast<std::uint32_t>(paths.size());
  std::vector<Rule> rules;
  rules.reserve(paths.size());
  auto end = static_cast<std::uint32_t>(paths.size() * sizeof(Rule) + name_size_);
  for (std::uint32_t index = 0; index < rule_count_; ++index) {
    const Path& path = paths[index];
    const auto whole = static_cast<std::uint32_t>(path.path.size());
    const bool shorter = path.type == PathType::prefix && path.path.ends_with('/');
    rules.push_back({end, shorter ? whole - 1 : whole, index});
    end += whole;
  }
  const auto is_exact = [&](const Rule& rule) { return paths[rule.index].type == PathType::exact; };
  const auto first_prefix = std::stable_partition(rules.begin(), rules.end(), is_exact);
  std::stable_sort(first_prefix, rules.end(), [](const Rule& a, const Rule& b) { return a.size > b.size; });
  exact_count_ = static_cast<std::uint32_t>(first_prefix - rules.begin());

  block_ = std::make_unique<std::byte[]>(end);
  std::uninitialized_copy(rules.begin(), rules.end(), reinterpret_cast<Rule*>(block_.get()));
  put_text(block_.get() + rules.size() * sizeof(Rule), host.name);
  for (const Rule& rule : rules) put_text(block_.get() + rule.text, paths[rule.index].path);
  add_by_path(exact(), &Extra::exact);
  add_by_path(prefixes(), &Extra::prefixes);
}

PathMatcher::Extra& PathMatcher::extra() {
  if (!extra_) extra_ = std::make_unique<Extra>();
  return *extra_;
}

void PathMatcher::add_by_path(Rules rules, ByPath Extra::*into) {
  if (rules.size() <= linear_up_to) return;
  for (const Rule& rule : rules) (extra().*into).emplace(path_of(rule), rule.index);
}

std::size_t PathMatcher::match(std::string_view path) const {
  if (regex_) return match_regex(path);
  const std::size_t exact = match_exact(path);
  return exact != none ? exact : match_prefix(path);
}

std::size_t PathMatcher::match_exact(std::string_view path) const {
  if (extra_ && !extra_->exact.empty()) {
    const auto found = extra_->exact.find(path);
    return found == extra_->exact.end() ? none : found->second;
  }
  for (const Rule& rule : exact()) {
    if (path_of(rule) == path) return rule.index;
  }
  return none;
}

std::size_t PathMatcher::match_prefix(std::string_view path) const {
  if (!extra_ || extra_->prefixes.empty()) {
    for (const Rule& rule : prefixes()) {
      if (covers(path_of(rule), path)) return rule.index;
    }
    return none;
  }
  // Ever shorter prefixes of the path, by segments, beginning no longer than the longest rule.
  std::string_view candidate = path;
  const std::size_t longest = prefixes().front().size;
  if (candidate.size() > longest) {
    const std::size_t slash = candidate.rfind('/', longest);
    candidate = candidate.substr(0, slash == std::string_view::npos ? 0 : slash);
  }
  const ByPath& by_path = extra_->prefixes;
  for (;;) {
    if (const auto found = by_path.find(candidate); found != by_path.end()) return found->second;
    const std::size_t slash = candidate.rfind('/');
    if (slash == std::string_view::npos) return none;
    candidate = candidate.substr(0, slash);
  }
}

std::size_t PathMatcher::match_regex(std::string_view path) const {
  if (!extra_) return none;
  const auto& regexes = extra_->regexes;
  for (std::size_t index = 0; index < regexes.size(); ++index) {
    const re2::RE2* const regex = regexes[index].get();
    if (regex && regex->Match(path, 0, path.size(), re2::RE2::ANCHOR_START, nullptr, 0)) return index;
  }
  return none;
}

}  // namespace fairlead

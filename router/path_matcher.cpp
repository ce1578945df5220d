#include "router/path_matcher.hpp"

#include <algorithm>

#include "router/path_regex.hpp"

namespace fairlead {
namespace {

std::string_view without_trailing_slash(std::string_view path) {
  if (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

bool covers(std::string_view prefix, std::string_view path) {
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

}  // namespace

PathMatcher::PathMatcher(const Host& host) : regex_(host.regex) {
  if (!regex_) reserve(host);
  for (std::size_t index = 0; index < host.paths.size(); ++index) {
    const Path& path = host.paths[index];
    if (regex_) {
      regexes_.push_back(compile_path_regex(path.path));
    } else if (path.type == PathType::exact) {
      add_rule(exact_, path.path, index);
    } else {
      add_rule(prefixes_, without_trailing_slash(path.path), index);
    }
  }
  std::stable_sort(prefixes_.begin(), prefixes_.end(),
                   [](const Rule& a, const Rule& b) { return a.path.size() > b.path.size(); });
  exact_by_path_ = by_path(exact_);
  prefix_by_path_ = by_path(prefixes_);
}

void PathMatcher::reserve(const Host& host) {
  std::size_t bytes = 0;
  std::size_t exact = 0;
  for (const Path& path : host.paths) {
    bytes += path.path.size();
    if (path.type == PathType::exact) ++exact;
  }
  texts_ = std::make_unique<char[]>(bytes);
  exact_.reserve(exact);
  prefixes_.reserve(host.paths.size() - exact);
}

void PathMatcher::add_rule(std::vector<Rule>& rules, std::string_view path, std::size_t index) {
  char* const text = texts_.get() + texts_size_;
  path.copy(text, path.size());
  texts_size_ += path.size();
  rules.push_back({{text, path.size()}, index});
}

std::unique_ptr<const PathMatcher::ByPath> PathMatcher::by_path(const std::vector<Rule>& rules) {
  if (rules.size() <= linear_up_to) return nullptr;
  auto made = std::make_unique<ByPath>();
  for (const Rule& rule : rules) made->emplace(rule.path, rule.index);
  return made;
}

std::size_t PathMatcher::match(std::string_view path) const {
  if (regex_) return match_regex(path);
  const std::size_t exact = match_exact(path);
  return exact != none ? exact : match_prefix(path);
}

std::size_t PathMatcher::match_exact(std::string_view path) const {
  if (exact_by_path_) {
    const auto found = exact_by_path_->find(path);
    return found == exact_by_path_->end() ? none : found->second;
  }
  for (const Rule& rule : exact_) {
    if (rule.path == path) return rule.index;
  }
  return none;
}

std::size_t PathMatcher::match_prefix(std::string_view path) const {
  if (!prefix_by_path_) {
    for (const Rule& rule : prefixes_) {
      if (covers(rule.path, path)) return rule.index;
    }
    return none;
  }
  // Ever shorter prefixes of the path, by segments, beginning no longer than the longest rule.
  std::string_view candidate = path;
  const std::size_t longest = prefixes_.front().path.size();
  if (candidate.size() > longest) {
    const std::size_t slash = candidate.rfind('/', longest);
    candidate = candidate.substr(0, slash == std::string_view::npos ? 0 : slash);
  }
  for (;;) {
    if (const auto found = prefix_by_path_->find(candidate); found != prefix_by_path_->end()) return found->second;
    const std::size_t slash = candidate.rfind('/');
    if (slash == std::string_view::npos) return none;
    candidate = candidate.substr(0, slash);
  }
}

std::size_t PathMatcher::match_regex(std::string_view path) const {
  for (std::size_t index = 0; index < regexes_.size(); ++index) {
    const re2::RE2* const regex = regexes_[index].get();
    if (regex && regex->Match(path, 0, path.size(), re2::RE2::ANCHOR_START, nullptr, 0)) return index;
  }
  return none;
}

}  // namespace fairlead

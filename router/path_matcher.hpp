#pragma once

#include <re2/re2.h>

#include <cstddef>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "router/config.hpp"

namespace fairlead {

// The paths of one Host compiled for matching. Owns what it needs of them, close together: a Host that has not been
// asked for in a while comes from memory, not from a cache.
//
// Without regexes: an Exact path first, then the longest Prefix by whole segments; a rule's trailing '/' does not count
// (Kubernetes: "/foo/" covers "/foo"). With regexes: the first that matches at the start, in the Host's order.
class PathMatcher {
 public:
  explicit PathMatcher(const Host& host);

  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  // Index into Host::paths, or none. path is in normal form.
  std::size_t match(std::string_view path) const;

 private:
  // Up to here, comparing one after the other beats hashing.
  static constexpr std::size_t linear_up_to = 30;

  struct Rule {
    std::string_view path;  // a Prefix without its trailing '/'; in texts_
    std::size_t index;
  };
  using ByPath = std::unordered_map<std::string_view, std::size_t>;

  void reserve(const Host& host);
  void add_rule(std::vector<Rule>& rules, std::string_view path, std::size_t index);
  static std::unique_ptr<const ByPath> by_path(const std::vector<Rule>& rules);
  std::size_t match_exact(std::string_view path) const;
  std::size_t match_prefix(std::string_view path) const;
  std::size_t match_regex(std::string_view path) const;

  std::unique_ptr<char[]> texts_;  // of all rules, one after the other
  std::size_t texts_size_ = 0;
  std::vector<Rule> exact_;
  std::vector<Rule> prefixes_;                   // longest first
  std::unique_ptr<const ByPath> exact_by_path_;  // only when there are more than linear_up_to
  std::unique_ptr<const ByPath> prefix_by_path_;
  std::vector<std::unique_ptr<const re2::RE2>> regexes_;  // by index; null where a path is no regex
  bool regex_ = false;
};

}  // namespace fairlead

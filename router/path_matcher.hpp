#pragma once

#include <re2/re2.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
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

  // The Host's, kept beside its paths since a look-up reads it just before.
  std::string_view host_name() const { return {text(rule_count_ * sizeof(Rule)), name_size_}; }

  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  // Index into Host::paths, or none. path is in normal form.
  std::size_t match(std::string_view path) const;

 private:
  // Up to here, comparing one after the other beats hashing.
  static constexpr std::size_t linear_up_to = 30;

  struct Rule {
    std::uint32_t text;  // where its path begins in block_: a Prefix without its trailing '/'
    std::uint32_t size;
    std::uint32_t index;
  };
  using Rules = std::span<const Rule>;
  using ByPath = std::unordered_map<std::string_view, std::size_t>;
  // What only few Hosts need.
  struct Extra {
    ByPath exact;  // empty unless there are more than linear_up_to
    ByPath prefixes;
    std::vector<std::unique_ptr<const re2::RE2>> regexes;  // by index; null where a path is no regex
  };

  void compile_plain(const Host& host);
  std::string_view path_of(const Rule& rule) const { return {text(rule.text), rule.size}; }
  const char* text(std::size_t offset) const { return reinterpret_cast<const char*>(block_.get() + offset); }
  Rules exact() const { return rules().first(exact_count_); }
  Rules prefixes() const { return rules().subspan(exact_count_); }
  Rules rules() const { return {reinterpret_cast<const Rule*>(block_.get()), rule_count_}; }
  Extra& extra();
  void add_by_path(Rules rules, ByPath Extra::*into);
  std::size_t match_exact(std::string_view path) const;
  std::size_t match_prefix(std::string_view path) const;
  std::size_t match_regex(std::string_view path) const;

  std::unique_ptr<std::byte[]>
      block_;  // the Rules, Exact ones first, then Prefixes, longest first; the Host's name; texts
  std::uint32_t rule_count_ = 0;
  std::uint32_t exact_count_ = 0;
  std::uint32_t name_size_ = 0;
  bool regex_ = false;
  std::unique_ptr<Extra> extra_;
};

}  // namespace fairlead

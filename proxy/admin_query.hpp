#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace fairlead {

// A request target taken apart and percent-decoded: path and parameters. A parameter given twice has its last value.
struct AdminQuery {
  std::string path;
  std::map<std::string, std::string, std::less<>> parameters;

  // Nothing when an escape is broken.
  static std::optional<AdminQuery> parse(std::string_view target);

  std::string_view parameter(std::string_view name) const;  // "" when it is not there
};

// Which part of a long list is asked for.
struct AdminWindow {
  std::size_t offset = 0;
  std::size_t limit = 0;

  // From ?limit= and ?offset=. limit: 1 to max_listed, which is also its default. Nothing when one is no such number.
  static std::optional<AdminWindow> of(const AdminQuery& query, std::size_t max_listed);

  // The target of the part that follows, or "" when nothing does.
  std::string next(const AdminQuery& query, std::size_t total) const;
};

}  // namespace fairlead

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "router/base/result.hpp"

namespace fairlead {

// A label selector as kubectl and the API server write it: "team=shop,tier in (web, api),!legacy". All requirements
// must hold. An empty one selects everything.
class LabelSelector {
 public:
  using Labels = std::map<std::string, std::string, std::less<>>;

  // Fails with what is wrong and where. Comparisons of numbers (">", "<") are refused: nobody uses them on namespaces.
  static Result<LabelSelector> parse(std::string_view text);

  bool matches(const Labels& labels) const;

  bool operator==(const LabelSelector&) const = default;

 private:
  enum class Wants { present, absent, one_of, none_of };  // none_of: also when it is absent
  struct Requirement {
    std::string key;
    Wants wants = Wants::present;
    std::vector<std::string> values;

    bool operator==(const Requirement&) const = default;
  };
  class Reader;

  static bool holds(const Requirement& requirement, const Labels& labels);

  std::vector<Requirement> requirements_;
};

}  // namespace fairlead

#include "router/base/label_selector.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace fairlead {
namespace {

constexpr std::size_t max_prefix = 253;  // of a key, a DNS name
constexpr std::size_t max_name = 63;     // of a key without prefix, and of a value

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_label_character(char c) {
  return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
}

bool is_label_name(std::string_view text) {
  return !text.empty() && text.size() <= max_name && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(), is_label_character);
}

bool is_key(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return is_label_name(text);
  const std::string_view prefix = text.substr(0, slash);
  const auto fits = [](char c) { return (is_alphanumeric(c) && !(c >= 'A' && c <= 'Z')) || c == '-' || c == '.'; };
  return !prefix.empty() && prefix.size() <= max_prefix && std::all_of(prefix.begin(), prefix.end(), fits) &&
         is_label_name(text.substr(slash + 1));
}

}  // namespace

// Reads requirements from left to right.
class LabelSelector::Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  Result<LabelSelector> read() {
    LabelSelector selector;
    skip_space();
    while (!rest_.empty()) {
      auto requirement = read_requirement();
      if (!requirement) return requirement.error();
      selector.requirements_.push_back(std::move(*requirement));
      if (rest_.empty()) break;
      if (!take(",")) return Failure{"has \"" + std::string(rest_) + "\" where a ',' is expected"};
      if (rest_.empty()) return Failure{"ends with a ','"};
    }
    return selector;
  }

 private:
  Result<Requirement> read_requirement() {
    Requirement requirement;
    const bool absent = take("!");
    requirement.key = take_word(true);
    if (!is_key(requirement.key)) return Failure{"has \"" + requirement.key + "\", which is no key of a label"};
    if (absent) {
      requirement.wants = Wants::absent;
      return requirement;
    }
    const bool differs = take("!=");
    if (differs || take("==") || take("=")) {
      requirement.wants = differs ? Wants::none_of : Wants::one_of;
      requirement.values.push_back(take_word(false));
      if (!is_value(requirement.values.front())) return no_value(requirement.values.front());
      return requirement;
    }
    if (rest_.empty() || rest_.front() == ',') return requirement;
    const std::string set = take_word(false);
    if (set != "in" && set != "notin") {
      return Failure{"has \"" + (set.empty() ? std::string(rest_) : set) + "\" after the key \"" + requirement.key +
                     "\": only =, ==, !=, in and notin can stand there"};
    }
    requirement.wants = set == "in" ? Wants::one_of : Wants::none_of;
    return read_values(std::move(requirement));
  }

  Result<Requirement> read_values(Requirement requirement) {
    if (!take("(")) return Failure{"has no '(' after in or notin"};
    do {
      requirement.values.push_back(take_word(false));
      if (!is_value(requirement.values.back())) return no_value(requirement.values.back());
    } while (take(","));
    if (!take(")")) return Failure{"has a '(' without a ')'"};
    return requirement;
  }

  static bool is_value(std::string_view text) { return text.empty() || is_label_name(text); }
  static Failure no_value(const std::string& text) {
    return Failure{"has \"" + text + "\", which is no value of a label"};
  }

  bool take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    skip_space();
    return true;
  }

  std::string take_word(bool key) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(),
                                      [&](char c) { return is_label_character(c) || (key && c == '/'); });
    const auto length = static_cast<std::size_t>(end - rest_.begin());
    std::string word(rest_.substr(0, length));
    rest_.remove_prefix(length);
    skip_space();
    return word;
  }

  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }

  std::string_view rest_;
};

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  return Reader(text).read();
}

bool LabelSelector::holds(const Requirement& requirement, const Labels& labels) {
  const auto found = labels.find(requirement.key);
  const bool present = found != labels.end();
  const auto& values = requirement.values;
  const bool listed = present && std::find(values.begin(), values.end(), found->second) != values.end();
  switch (requirement.wants) {
    case Wants::present:
      return present;
    case Wants::absent:
      return !present;
    case Wants::one_of:
      return listed;
    case Wants::none_of:
      return !listed;
  }
  return false;
}

bool LabelSelector::matches(const Labels& labels) const {
  return std::all_of(requirements_.begin(), requirements_.end(),
                     [&](const Requirement& requirement) { return holds(requirement, labels); });
}

}  // namespace fairlead

#include "proxy/options_flag_kinds.hpp"

namespace fairlead::flag_kinds {

using Complaint = Flag::Complaint;

Flag text(std::string_view name, std::string_view argument, std::string_view help, std::string Options::*field,
          bool (*fits)(std::string_view), std::string_view wanted) {
  return {.group = {},
          .name = name,
          .argument = argument,
          .help = help,
          .read = [=](Options& options, std::string_view value) -> Complaint {
            if (fits && !value.empty() && !fits(value)) return std::string(wanted);
            options.*field = value;
            return std::nullopt;
          },
          .show = [=](const Options& options) { return options.*field; }};
}

Flag word(std::string_view name, std::string_view argument, std::string_view help, std::string Options::*field,
          bool (*fits)(std::string_view), std::string_view wanted) {
  Flag flag = text(name, argument, help, field, fits, wanted);
  flag.read = [read = flag.read, wanted](Options& options, std::string_view value) -> Complaint {
    if (value.empty()) return std::string(wanted);
    return read(options, value);
  };
  return flag;
}

Flag toggle(std::string_view name, std::string_view help, bool Options::*field) {
  return {.group = {},
          .name = name,
          .argument = {},
          .help = help,
          .read = [=](Options& options, std::string_view value) -> Complaint {
            const auto parsed = parse_bool(value);
            if (!parsed) return "must be true or false";
            options.*field = *parsed;
            return std::nullopt;
          },
          .show = [=](const Options& options) { return options.*field ? "true" : "false"; }};
}

std::vector<Flag> grouped(std::string_view group, std::vector<Flag> flags) {
  for (Flag& flag : flags) flag.group = group;
  return flags;
}

}  // namespace fairlead::flag_kinds

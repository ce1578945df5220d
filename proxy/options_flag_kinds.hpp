#pragma once

#include <utility>

#include "proxy/options_flags.hpp"
#include "proxy/options_values.hpp"
#include "router/base/split_list.hpp"

// The kinds of flags there are: how each reads its value, what it says of a wrong one, and how it shows it. All but
// their group, which grouped() sets.
namespace fairlead::flag_kinds {

// Any text, or (when it is not empty) one that fits. wanted: "must be …".
Flag text(std::string_view name, std::string_view argument, std::string_view help, std::string Options::*field,
          bool (*fits)(std::string_view) = nullptr, std::string_view wanted = "");

// The same for what cannot be left empty.
Flag word(std::string_view name, std::string_view argument, std::string_view help, std::string Options::*field,
          bool (*fits)(std::string_view), std::string_view wanted);

Flag toggle(std::string_view name, std::string_view help, bool Options::*field);

// get: a field of Options or of its Limits.
template <class Get>
Flag count(std::string_view name, std::string_view argument, std::string_view help, std::uint64_t min,
           std::uint64_t max, Get get) {
  return {.group = {},
          .name = name,
          .argument = argument,
          .help = help,
          .read = [=](Options& options, std::string_view value) -> Flag::Complaint {
            const auto parsed = parse_count(value, max);
            if (!parsed || *parsed < min) {
              return "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max);
            }
            get(options) = static_cast<std::remove_reference_t<decltype(get(options))>>(*parsed);
            return std::nullopt;
          },
          .show = [=](const Options& options) { return std::to_string(get(options)); }};
}

template <class Get>
Flag time(std::string_view name, std::string_view help, bool may_be_zero, Get get) {
  return {.group = {},
          .name = name,
          .argument = "TIME",
          .help = help,
          .read = [=](Options& options, std::string_view value) -> Flag::Complaint {
            const auto parsed = parse_duration(value);
            if (!parsed || (!may_be_zero && parsed->count() == 0)) {
              return std::string("must be a time ") + (may_be_zero ? "" : "above zero ") +
                     "such as 10s, 500ms, 1m30s, or plain seconds";
            }
            get(options) = *parsed;
            return std::nullopt;
          },
          .show = [=](const Options& options) { return duration_text(get(options)); }};
}

template <class Choice>
Flag choice(std::string_view name, std::string_view argument, std::string_view help, Choice Options::*field,
            std::vector<std::pair<std::string_view, Choice>> choices) {
  std::string wanted = "must be one of";
  for (const auto& [word, value] : choices) wanted += ' ' + std::string(word);
  return {.group = {},
          .name = name,
          .argument = argument,
          .help = help,
          .read = [=](Options& options, std::string_view value) -> Flag::Complaint {
            for (const auto& [word, meant] : choices) {
              if (word != value) continue;
              options.*field = meant;
              return std::nullopt;
            }
            return wanted;
          },
          .show =
              [=](const Options& options) {
                for (const auto& [word, meant] : choices) {
                  if (meant == options.*field) return std::string(word);
                }
                return std::string();
              }};
}

// A comma-separated list; the flag may be repeated.
template <class Item>
Flag list(std::string_view name, std::string_view argument, std::string_view help, std::vector<Item> Options::*field,
          std::string_view wanted) {
  return {.group = {},
          .name = name,
          .argument = argument,
          .help = help,
          .is_list = true,
          .read = [=](Options& options, std::string_view value) -> Flag::Complaint {
            (options.*field).clear();
            for (const std::string_view part : split_list(value)) {
              const auto item = Item::parse(part);
              if (!item) return std::string(wanted) + "; \"" + std::string(part) + "\" is none";
              (options.*field).push_back(*item);
            }
            return std::nullopt;
          },
          .show =
              [=](const Options& options) {
                std::string text;
                for (const Item& item : options.*field) text += (text.empty() ? "" : ",") + item.to_string();
                return text;
              }};
}

std::vector<Flag> grouped(std::string_view group, std::vector<Flag> flags);

}  // namespace fairlead::flag_kinds

namespace fairlead {

// Those of the group Limits (options_limit_flags.cpp): one for each field of Limits.
std::vector<Flag> limit_flags();

}  // namespace fairlead

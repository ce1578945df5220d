#include "proxy/options_command_line.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cctype>

#include "proxy/options_flags.hpp"
#include "router/policies/known_annotations.hpp"

namespace fairlead {
namespace {

constexpr std::size_t max_suggestion_distance = 3;

// Long flags under one dash: a short flag to the parser, whose message would help nobody.
Complaint find_single_dash(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--") break;
    if (argument.size() < 3 || argument[0] != '-' || !std::isalpha(static_cast<unsigned char>(argument[1]))) continue;
    if (argument[1] == 'v' && (argument[2] == '=' || std::isdigit(static_cast<unsigned char>(argument[2])))) continue;
    return std::string("unknown flag ").append(argument).append(": long flags begin with two dashes, as in -") +
           argument;
  }
  return std::nullopt;
}

std::string unexpected(const std::string& argument) {
  return "unexpected argument \"" + argument + "\": everything is a flag here";
}

std::string unknown_argument(const std::string& argument) {
  if (!argument.starts_with('-')) return unexpected(argument);
  const std::string name = argument.substr(0, argument.find('='));
  std::string best;
  std::size_t best_distance = max_suggestion_distance + 1;
  const auto consider = [&](std::string_view known) {
    const std::size_t distance = edit_distance(name, dashed(known), max_suggestion_distance);
    if (distance >= best_distance) return;
    best_distance = distance;
    best = dashed(known);
  };
  for (const Flag& flag : flags()) consider(flag.name);
  const std::string message = "unknown flag " + name;
  return best.empty() ? message : message + ": did you mean " + best + "?";
}

// Whether this is a known flag, and a switch.
std::optional<bool> is_switch(std::string_view name) {
  for (const Flag& flag : flags()) {
    if (flag.name == name) return flag.argument.empty();
  }
  for (const ForeignFlag& flag : foreign_flags()) {
    if (flag.name == name) return flag.is_switch;
  }
  return std::nullopt;
}

// CLI11 takes "--flag=" for a flag whose value comes next: there it stands as two arguments, the second one empty.
Complaint keep_empty_values(std::vector<std::string>& arguments) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string& argument = arguments[i];
    if (argument == "--") {
      result.insert(result.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
      break;
    }
    const bool empty = argument.starts_with("--") && argument.find('=') == argument.size() - 1;
    const auto known = empty ? is_switch(std::string_view(argument).substr(2, argument.size() - 3)) : std::nullopt;
    if (known && *known) return argument + ": must be true or false";
    if (known) argument.pop_back();
    result.push_back(std::move(argument));
    if (known) result.emplace_back();
  }
  arguments = std::move(result);
  return std::nullopt;
}

void add_flag(CLI::App& app, std::string_view name, bool is_switch, bool is_list, CommandLine& line) {
  // "--v" is the form in which klog writes its short flag.
  const std::string names = name.size() == 1 ? dashed(name) + ",--" + std::string(name) : dashed(name);
  std::string& value = line.values[std::string(name)];
  CLI::Option* const option = is_switch ? app.add_flag(names, value) : app.add_option(names, value);
  if (is_list) {
    option->multi_option_policy(CLI::MultiOptionPolicy::Join)->delimiter(',');
    option->expected(1);
  } else {
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
}

}  // namespace

std::string dashed(std::string_view name) {
  return (name.size() == 1 ? "-" : "--") + std::string(name);
}

Complaint read_command_line(std::vector<std::string> arguments, CommandLine& line) {
  if (auto complaint = find_single_dash(arguments)) return complaint;
  if (auto complaint = keep_empty_values(arguments)) return complaint;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.add_flag("-h,--help", line.help);
  app.add_flag("--version", line.version);
  for (const Flag& flag : flags()) add_flag(app, flag.name, flag.argument.empty(), flag.is_list, line);
  for (const ForeignFlag& flag : foreign_flags()) add_flag(app, flag.name, flag.is_switch, false, line);
  std::reverse(arguments.begin(), arguments.end());  // the order that CLI11 wants
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
  if (line.help || line.version) return std::nullopt;
  const auto rest = app.remaining();
  if (rest.size() > 1 && rest.front() == "--") return unexpected(rest[1]);
  if (!rest.empty() && rest.front() != "--") return unknown_argument(rest.front());
  std::erase_if(line.values, [&](const auto& given) { return app.get_option(dashed(given.first))->empty(); });
  return std::nullopt;
}

}  // namespace fairlead

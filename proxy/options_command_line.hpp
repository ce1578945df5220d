#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead {

using Complaint = std::optional<std::string>;  // a message that names the flag; nothing = all is well

// What was given, by the flag's name.
struct CommandLine {
  std::map<std::string, std::string, std::less<>> values;
  bool help = false;
  bool version = false;
};

// Takes the arguments apart by flags() and foreign_flags(); what the values mean is not looked at.
Complaint read_command_line(std::vector<std::string> arguments, CommandLine& line);

// "-v", "--http-port"
std::string dashed(std::string_view name);

}  // namespace fairlead

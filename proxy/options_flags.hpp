#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/options.hpp"

namespace fairlead {

// One flag: what the parser, --help and the README all know of it.
struct Flag {
  using Complaint = std::optional<std::string>;  // what the value must be: "must be …"

  std::string_view group;     // heading in --help
  std::string_view name;      // without dashes; one letter is short
  std::string_view argument;  // "PORT"; "" = a switch: --x, --x=true, --x=false
  std::string_view help;
  bool is_list = false;  // may be repeated
  std::function<Complaint(Options&, std::string_view value)> read;
  std::function<std::string(const Options&)> show;  // the value as one would type it
};

// In the order of --help.
const std::vector<Flag>& flags();

// A flag of ingress-nginx that has nothing to do here.
struct ForeignFlag {
  enum class Treatment : std::uint8_t {
    ignored,  // accepted with a warning
    refused,  // ignoring it would be unsafe: the program does not start
  };

  std::string_view name;
  bool is_switch = false;
  Treatment treatment = Treatment::ignored;
  std::string_view reason;
  std::string_view harmless = "";  // this value asks for nothing: taken in silence
};

std::span<const ForeignFlag> foreign_flags();

}  // namespace fairlead

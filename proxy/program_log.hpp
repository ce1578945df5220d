#pragma once

#include <cstdint>
#include <memory>

#include "router/base/log.hpp"

namespace fairlead {

enum class ProgramLogFormat : std::uint8_t { text, json };

// The program's own log: one line an event on standard error. Any thread. level: what is written, and all that is
// graver.
std::unique_ptr<Log> make_program_log(LogLevel level, ProgramLogFormat format);

}  // namespace fairlead

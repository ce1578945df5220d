#pragma once

#include <string_view>

namespace fairlead {

enum class LogLevel { error, warning, info, debug };

// Where the program tells its operator what happened. Handed to whoever needs it; there is no global one.
// Implementations may be called from any thread. Never pass a secret.
class Log {
 public:
  virtual ~Log() = default;

  virtual void write(LogLevel level, std::string_view message) = 0;
  virtual bool enabled(LogLevel level) const = 0;

  void error(std::string_view message) { write(LogLevel::error, message); }
  void warning(std::string_view message) { write(LogLevel::warning, message); }
  void info(std::string_view message) { write(LogLevel::info, message); }
  void debug(std::string_view message) { write(LogLevel::debug, message); }
};

// Swallows everything: for tests and benchmarks.
class NoLog final : public Log {
 public:
  void write(LogLevel, std::string_view) override {}
  bool enabled(LogLevel) const override { return false; }
};

}  // namespace fairlead

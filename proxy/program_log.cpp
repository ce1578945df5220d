#include "proxy/program_log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/log_line.hpp"

namespace fairlead {
namespace {

constexpr std::size_t max_message_bytes = 16 * 1024;
constexpr int max_wait_ms = 100;  // for a reader of standard error that is behind; then the line is dropped

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return "error";
    case LogLevel::warning:
      return "warning";
    case LogLevel::info:
      return "info";
    case LogLevel::debug:
      return "debug";
  }
  return "info";
}

std::string time_text() {
  const auto now = std::chrono::system_clock::now();
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now - second).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(second)),
                     milliseconds);
}

// One event is one line, and nothing in it can move a terminal's cursor: control characters (C0, DEL and, as UTF-8, C1)
// become \xHH.
std::string without_controls(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    const bool c1 = byte == 0xC2 && next >= 0x80 && next < 0xA0;
    if (byte < 0x20 || byte == 0x7F || c1) {
      plain += fmt::format("\\x{:02X}", c1 ? next : byte);
      if (c1) ++i;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::string json_text(std::string_view text) {
  std::vector<char> memory(text.size() * 6 + 2);  // each byte may become \u00HH
  LineWriter out(memory.data(), memory.data() + memory.size(), text.size());
  out.json_string(text);
  return {memory.data(), out.size()};
}

class ProgramLog final : public Log {
 public:
  ProgramLog(LogLevel level, ProgramLogFormat format) : level_(level), format_(format) {}

  bool enabled(LogLevel level) const override { return level <= level_; }

  void write(LogLevel level, std::string_view message) override {
    if (!enabled(level)) return;
    // Who writes is often a Worker: it waits for a reader once, and not again while that one is behind.
    const std::uint64_t lost = dropped_.exchange(0);
    const int patience_ms = lost > 0 ? 0 : max_wait_ms;
    if (lost > 0) {
      const std::string text = fmt::format("{} lines of this log were dropped: nobody read them", lost);
      put(line(LogLevel::warning, text), lost, patience_ms);
    }
    put(fitting_line(level, message.substr(0, max_message_bytes)), 1, patience_ms);
  }

 private:
  std::string line(LogLevel level, std::string_view message) const {
    if (format_ == ProgramLogFormat::json) {
      return fmt::format("{{\"time\":\"{}\",\"level\":\"{}\",\"message\":{}}}\n", time_text(), name_of(level),
                         json_text(message));
    }
    return fmt::format("{} {:<7} {}\n", time_text(), name_of(level), without_controls(message));
  }

  // A pipe that takes anything takes as much as PIPE_BUF; more could block.
  std::string fitting_line(LogLevel level, std::string_view message) const {
    std::string text = line(level, message);
    while (text.size() > PIPE_BUF) {
      message = message.substr(0, message.size() / 2);
      text = line(level, message);
    }
    return text;
  }

  // One write a line, so that lines of several threads do not mix.
  void put(const std::string& line, std::uint64_t counts_as, int patience_ms) {
    pollfd asked{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    const bool takes_it = ::poll(&asked, 1, patience_ms) == 1 && (asked.revents & POLLOUT) != 0;
    if (!takes_it || ::write(STDERR_FILENO, line.data(), line.size()) < 0) dropped_.fetch_add(counts_as);
  }

  const LogLevel level_;
  const ProgramLogFormat format_;
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace

std::unique_ptr<Log> make_program_log(LogLevel level, ProgramLogFormat format) {
  return std::make_unique<ProgramLog>(level, format);
}

}  // namespace fairlead

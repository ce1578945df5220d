#include "proxy/program_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

namespace fairlead {
namespace {

using testing::EndsWith;
using testing::MatchesRegex;

std::string logged(LogLevel level, std::string_view message, ProgramLogFormat format, LogLevel shown = LogLevel::info) {
  const auto log = make_program_log(shown, format);
  testing::internal::CaptureStderr();
  log->write(level, message);
  return testing::internal::GetCapturedStderr();
}

TEST(ProgramLog, IsOneLineAnEvent) {
  EXPECT_THAT(
      logged(LogLevel::info, "serving 3 hosts", ProgramLogFormat::text),
      MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z info    serving 3 hosts\n"));
  EXPECT_THAT(logged(LogLevel::warning, "odd", ProgramLogFormat::text), EndsWith("Z warning odd\n"));
}

TEST(ProgramLog, ShowsTheLevelAskedForAndWhatIsGraver) {
  const auto log = make_program_log(LogLevel::warning, ProgramLogFormat::text);
  EXPECT_TRUE(log->enabled(LogLevel::error));
  EXPECT_TRUE(log->enabled(LogLevel::warning));
  EXPECT_FALSE(log->enabled(LogLevel::info));
  EXPECT_EQ(logged(LogLevel::debug, "x", ProgramLogFormat::text), "");
  EXPECT_NE(logged(LogLevel::debug, "x", ProgramLogFormat::text, LogLevel::debug), "");
}

TEST(ProgramLog, LetsNobodyForgeALineOrMoveTheCursor) {
  EXPECT_THAT(logged(LogLevel::info, "a\nb\r\x1b[2J\x7f\xc2\x9b z\xc3\xa4 {}%s", ProgramLogFormat::text),
              EndsWith("a\\x0Ab\\x0D\\x1B[2J\\x7F\\x9B z\xc3\xa4 {}%s\n"));
}

TEST(ProgramLog, CutsWhatIsEndless) {
  EXPECT_LT(logged(LogLevel::info, std::string(1'000'000, 'x'), ProgramLogFormat::text).size(), 4'097u);
  EXPECT_LT(logged(LogLevel::info, std::string(1'000'000, '\x01'), ProgramLogFormat::json).size(), 4'097u);
}

TEST(ProgramLog, WritesJsonWhenAsked) {
  const std::string line = logged(LogLevel::error, "a \"b\"\n\x01 \xff", ProgramLogFormat::json);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json["level"], "error");
  EXPECT_EQ(json["message"], "a \"b\"\n\x01 \xef\xbf\xbd");
  EXPECT_EQ(json["time"].get<std::string>().size(), 24u);
}

}  // namespace
}  // namespace fairlead

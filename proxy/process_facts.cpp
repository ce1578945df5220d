#include "proxy/process_facts.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace fairlead {
namespace {

// Seconds since 1970 at which the machine came up: what start times in /proc count from.
double boot_time() {
  std::ifstream stream("/proc/stat");
  for (std::string word; stream >> word;) {
    if (word != "btime") continue;
    double time = 0;
    stream >> time;
    return time;
  }
  return 0;
}

// The fields of /proc/self/stat from the third one on (proc(5)): the second, the name, may hold spaces and brackets.
std::vector<double> stat_fields() {
  std::ifstream stream("/proc/self/stat");
  std::string line;
  std::getline(stream, line);
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(line.substr(name_end + 1));
  std::string state;
  rest >> state;
  std::vector<double> fields{0};
  for (double number = 0; rest >> number;) fields.push_back(number);
  return fields;
}

std::uint64_t count_descriptors() {
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end; it.increment(error)) {
    ++count;
  }
  return count > 0 ? count - 1 : 0;  // one was ours, for looking
}

}  // namespace

ProcessFacts ProcessFacts::read() {
  ProcessFacts facts;
  const std::vector<double> fields = stat_fields();
  const auto field = [&](std::size_t number) { return number - 3 < fields.size() ? fields[number - 3] : 0; };
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  facts.cpu_seconds = (field(14) + field(15)) / ticks;
  if (field(22) > 0) facts.start_time_unix = boot_time() + field(22) / ticks;
  facts.virtual_bytes = static_cast<std::uint64_t>(field(23));
  facts.resident_bytes = static_cast<std::uint64_t>(field(24)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  facts.open_descriptors = count_descriptors();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.max_descriptors = limit.rlim_cur;
  return facts;
}

}  // namespace fairlead

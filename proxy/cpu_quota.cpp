#include "proxy/cpu_quota.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

namespace fairlead {
namespace {

namespace fs = std::filesystem;

std::optional<std::int64_t> read_number(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n')) text.remove_prefix(1);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::optional<double> ratio(std::optional<std::int64_t> quota, std::optional<std::int64_t> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::string content_of(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::optional<double> tighter(std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// The group's folder and all above it, up to root. A path that leads out of what this process may see counts as root.
template <class Read>
std::optional<double> tightest(const fs::path& root, std::string_view group, Read read) {
  std::optional<double> quota = read(root);
  if (group.find("..") != std::string_view::npos) return quota;
  fs::path folder = root;
  for (const fs::path& part : fs::path(group).relative_path()) {
    folder /= part;
    quota = tighter(quota, read(folder));
  }
  return quota;
}

std::optional<double> read_v2(const fs::path& folder) {
  return parse_cpu_max(content_of(folder / "cpu.max"));
}

std::optional<double> read_v1(const fs::path& folder) {
  return parse_cfs(content_of(folder / "cpu.cfs_quota_us"), content_of(folder / "cpu.cfs_period_us"));
}

bool names_cpu(std::string_view controllers) {
  while (!controllers.empty()) {
    const std::size_t comma = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, comma) == "cpu") return true;
    controllers.remove_prefix(std::min(comma + 1, controllers.size()));
  }
  return false;
}

// One line of /proc/self/cgroup: "hierarchy:controllers:path"; v2 has hierarchy 0 and no controllers.
std::optional<double> quota_of_line(std::string_view line, const fs::path& root) {
  const std::size_t first = line.find(':');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = line.find(':', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const std::string_view controllers = line.substr(first + 1, second - first - 1);
  const std::string_view group = line.substr(second + 1);
  if (line.substr(0, first) == "0" && controllers.empty()) {
    return tighter(tightest(root, group, read_v2), tightest(root / "unified", group, read_v2));
  }
  if (!names_cpu(controllers)) return std::nullopt;
  return tighter(tightest(root / controllers, group, read_v1), tightest(root / "cpu", group, read_v1));
}

std::size_t usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
  return std::max(1u, std::thread::hardware_concurrency());  // more processors than the set can hold
}

}  // namespace

std::optional<double> parse_cpu_max(std::string_view cpu_max) {
  if (cpu_max.starts_with("max")) return std::nullopt;
  const auto quota = read_number(cpu_max);
  return ratio(quota, read_number(cpu_max));
}

std::optional<double> parse_cfs(std::string_view quota_us, std::string_view period_us) {
  return ratio(read_number(quota_us), read_number(period_us));
}

std::optional<double> cpu_quota(std::string_view proc_cgroup, const std::filesystem::path& cgroup_root) {
  std::optional<double> quota;
  while (!proc_cgroup.empty()) {
    const std::size_t end = std::min(proc_cgroup.find('\n'), proc_cgroup.size());
    quota = tighter(quota, quota_of_line(proc_cgroup.substr(0, end), cgroup_root));
    proc_cgroup.remove_prefix(std::min(end + 1, proc_cgroup.size()));
  }
  return quota;
}

std::size_t worker_count(std::optional<double> quota, std::size_t processors) {
  processors = std::max<std::size_t>(processors, 1);
  if (!quota || *quota >= static_cast<double>(processors)) return processors;
  return std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(*quota)));
}

std::size_t default_worker_count() {
  return worker_count(cpu_quota(content_of("/proc/self/cgroup"), "/sys/fs/cgroup"), usable_processors());
}

}  // namespace fairlead

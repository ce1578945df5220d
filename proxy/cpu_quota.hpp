#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string_view>

namespace fairlead {

// How many processors' worth of time a control group grants; nothing = no quota.
// cgroup v2, the content of cpu.max: "150000 100000" is 1.5, "max 100000" nothing.
std::optional<double> parse_cpu_max(std::string_view cpu_max);
// cgroup v1, cpu.cfs_quota_us and cpu.cfs_period_us: "-1" is nothing.
std::optional<double> parse_cfs(std::string_view quota_us, std::string_view period_us);

// The tightest quota of this process's group and those above it. proc_cgroup: the content of /proc/self/cgroup.
std::optional<double> cpu_quota(std::string_view proc_cgroup, const std::filesystem::path& cgroup_root);

// One Worker a processor; a quota counts as rounded up, so that it can be used whole. At least 1.
std::size_t worker_count(std::optional<double> quota, std::size_t processors);

// What this machine and its control group allow this process.
std::size_t default_worker_count();

}  // namespace fairlead

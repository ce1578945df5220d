#include "proxy/cpu_quota.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace fairlead {
namespace {

namespace fs = std::filesystem;

class CpuQuota : public testing::Test {
 protected:
  CpuQuota() : root_(fs::temp_directory_path() / ("cpu_quota_test." + std::to_string(::getpid()))) {
    fs::remove_all(root_);
  }
  ~CpuQuota() override { fs::remove_all(root_); }

  void put(const std::string& file, const std::string& content) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << content;
  }
  std::optional<double> quota(const std::string& proc_cgroup) const { return cpu_quota(proc_cgroup, root_); }

  const fs::path root_;
};

TEST(CpuMax, IsQuotaByPeriod) {
  EXPECT_EQ(parse_cpu_max("150000 100000\n"), 1.5);
  EXPECT_EQ(parse_cpu_max("50000 200000"), 0.25);
}

TEST(CpuMax, IsNothingWithoutQuotaOrSense) {
  for (const char* text : {"max 100000\n", "", "\n", "100000", "x y", "100000 0", "-1 100000", "0 100000"}) {
    EXPECT_EQ(parse_cpu_max(text), std::nullopt) << text;
  }
}

TEST(Cfs, IsQuotaByPeriod) {
  EXPECT_EQ(parse_cfs("200000\n", "100000\n"), 2.0);
  EXPECT_EQ(parse_cfs("-1\n", "100000\n"), std::nullopt);
  EXPECT_EQ(parse_cfs("", ""), std::nullopt);
}

TEST_F(CpuQuota, IsTheTightestOfTheGroupAndThoseAbove) {
  put("a/cpu.max", "300000 100000");
  put("a/b/cpu.max", "max 100000");
  put("a/b/c/cpu.max", "400000 100000");
  EXPECT_EQ(quota("0::/a/b/c\n"), 3.0);
  EXPECT_EQ(quota("0::/\n"), std::nullopt);
}

TEST_F(CpuQuota, OfAContainerStandsAtTheRoot) {
  put("cpu.max", "150000 100000");
  EXPECT_EQ(quota("0::/\n"), 1.5);
  EXPECT_EQ(quota("0::/not/seen/from/here\n"), 1.5);
  EXPECT_EQ(quota("0::/../../elsewhere\n"), 1.5);
}

TEST_F(CpuQuota, IsReadFromVersionOneToo) {
  put("cpu,cpuacct/pod/cpu.cfs_quota_us", "250000");
  put("cpu,cpuacct/pod/cpu.cfs_period_us", "100000");
  EXPECT_EQ(quota("5:memory:/pod\n4:cpu,cpuacct:/pod\n1:name=systemd:/pod\n"), 2.5);
  EXPECT_EQ(quota("4:cpuset,cpuacct:/pod\n"), std::nullopt);
}

TEST_F(CpuQuota, OfBrokenLinesIsNothing) {
  for (const char* text : {"", "\n", "0", "0:", "::", "nonsense\n\n"}) EXPECT_EQ(quota(text), std::nullopt) << text;
}

TEST(WorkerCount, RoundsTheQuotaUpButNotBeyondTheProcessors) {
  EXPECT_EQ(worker_count(std::nullopt, 8), 8u);
  EXPECT_EQ(worker_count(1.5, 8), 2u);
  EXPECT_EQ(worker_count(2.0, 8), 2u);
  EXPECT_EQ(worker_count(0.1, 8), 1u);
  EXPECT_EQ(worker_count(64.0, 8), 8u);
  EXPECT_EQ(worker_count(std::nullopt, 0), 1u);
}

TEST(WorkerCount, OfThisMachineIsAtLeastOne) {
  EXPECT_GE(default_worker_count(), 1u);
}

}  // namespace
}  // namespace fairlead

#include "proxy/worker_counters.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "proxy/options_flags.hpp"

namespace fairlead {
namespace {

std::size_t index_of(std::string_view name) {
  const auto names = LimitHits::names();
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

TEST(LimitHits, AreCountedByName) {
  LimitHits hits;
  hits.add("header_timeout");
  hits.add("proxy_body_size");
  hits.add("proxy_body_size");
  EXPECT_EQ(hits.value(index_of("header_timeout")), 1u);
  EXPECT_EQ(hits.value(index_of("proxy_body_size")), 2u);
  EXPECT_EQ(hits.value(index_of("other")), 0u);
}

TEST(LimitHits, OfUnknownNamesAreCountedTogether) {
  LimitHits hits;
  hits.add("no_such_limit");
  hits.add("");
  EXPECT_EQ(LimitHits::names().back(), "other");
  EXPECT_EQ(hits.value(index_of("other")), 2u);
}

TEST(LimitHits, KnowEveryLimitThatHasAFlag) {
  for (const Flag& flag : flags()) {
    if (flag.group != "Limits") continue;
    std::string name(flag.name);
    std::replace(name.begin(), name.end(), '-', '_');
    EXPECT_LT(index_of(name), LimitHits::names().size()) << name;
  }
}

TEST(Level, GoesUpAndDown) {
  Level level;
  level.add();
  level.add(2);
  level.remove();
  EXPECT_EQ(level.value(), 2);
}

}  // namespace
}  // namespace fairlead

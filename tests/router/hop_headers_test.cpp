#include "router/hop_headers.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairlead {
namespace {

Fields one_connection(std::vector<Field>& storage, std::string_view value) {
  storage = {{"Connection", value, FieldName::connection}};
  return {storage, nullptr};
}

TEST(NominatedFields, NamesInConnectionAreTaken) {
  std::vector<Field> storage;
  const NominatedFields nominated(one_connection(storage, "close, X-Hop ,x-other"));
  EXPECT_TRUE(nominated.contains("x-hop"));
  EXPECT_TRUE(nominated.contains("X-Other"));
  EXPECT_FALSE(nominated.contains("close"));
}

TEST(NominatedFields, WhatFramesOrIdentifiesCannotBeNominatedAway) {
  std::vector<Field> storage;
  const NominatedFields nominated(one_connection(storage, "Host, Content-Length, X-Forwarded-For, X_Real_IP"));
  EXPECT_TRUE(nominated.empty());
}

TEST(NominatedFields, MoreThanTheLimitIsNoticed) {
  std::string list;
  for (std::size_t i = 0; i < NominatedFields::max_names; ++i) list += "n" + std::to_string(i) + ",";
  std::vector<Field> storage;
  EXPECT_FALSE(NominatedFields(one_connection(storage, list)).overflow());
  list += "one-more";
  EXPECT_TRUE(NominatedFields(one_connection(storage, list)).overflow());
}

}  // namespace
}  // namespace fairlead

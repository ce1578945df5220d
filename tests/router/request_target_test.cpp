#include "router/request_target.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fairlead {
namespace {

struct Case {
  std::string_view received, path, forward;
};

TEST(RequestTarget, HasOneNormalFormAndADefinedForwardedForm) {
  const Case cases[] = {
      {"/", "/", "/"},
      {"/a/b?c=d", "/a/b", "/a/b?c=d"},
      {"/a?", "/a", "/a?"},
      {"/a%20b", "/a b", "/a%20b"},
      {"/%61", "/a", "/%61"},
      {"//a///b", "/a/b", "//a///b"},
      {"/a%2Fb", "/a/b", "/a%2Fb"},
      {"/a/%2Fb", "/a/b", "/a/%2Fb"},
      {"/.hidden", "/.hidden", "/.hidden"},
      {"/a/...", "/a/...", "/a/..."},
      {"/a/./b", "/a/b", "/a/b"},
      {"/a/../b", "/b", "/b"},
      {"/a/..", "/", "/"},
      {"/a/b/..", "/a/", "/a/"},
      {"/a/b/.", "/a/b/", "/a/b/"},
      {"/a/%2e%2E/b?x=..", "/b", "/b?x=.."},
      {"/a%3fb/../c%3fd", "/c?d", "/c%3Fd"},
      {"/a%25/../%2541", "/%41", "/%2541"},
      {"/a/", "/a/", "/a/"},
      {"http://host", "/", "/"},
      {"HTTP://host?q", "/", "/?q"},
      {"https://host:8443/a/../b", "/b", "/b"},
      {"*", "*", "*"},
  };
  for (const Case& c : cases) {
    std::pmr::monotonic_buffer_resource arena;
    RequestTarget target;
    ASSERT_EQ(parse_target(c.received, &arena, target), TargetError::none) << c.received;
    EXPECT_EQ(target.path, c.path) << c.received;
    EXPECT_EQ(target.forward, c.forward) << c.received;
  }
}

TEST(RequestTarget, WhatCouldMeanTwoThingsIsRefused) {
  const std::pair<std::string, TargetError> cases[] = {
      {"", TargetError::empty},
      {"a", TargetError::not_a_path},
      {"ftp://host/", TargetError::not_a_path},
      {"/a#b", TargetError::forbidden_character},
      {"/a?b#c", TargetError::forbidden_character},
      {"/a\x01", TargetError::forbidden_character},
      {"/a b", TargetError::forbidden_character},
      {"/\xc3\xa4", TargetError::forbidden_character},
      {"/%", TargetError::bad_percent},
      {"/%4", TargetError::bad_percent},
      {"/%zz", TargetError::bad_percent},
      {"/a%00b", TargetError::encoded_nul},
      {"/..", TargetError::above_root},
      {"/a/../..", TargetError::above_root},
      {"/a/..%2fb", TargetError::hidden_dot_segment},
      {"/a%2f..%2fb", TargetError::hidden_dot_segment},
      {"/a%2f%2e%2e", TargetError::hidden_dot_segment},
      {"http:///a", TargetError::bad_authority},
      {"http://user@host/", TargetError::bad_authority},
  };
  for (const auto& [received, error] : cases) {
    std::pmr::monotonic_buffer_resource arena;
    RequestTarget target;
    EXPECT_EQ(parse_target(received, &arena, target), error) << received;
  }
}

TEST(RequestTarget, ANormalPathIsNotCopied) {
  const std::string_view received = "/already/normal?yes";
  RequestTarget target;
  ASSERT_EQ(parse_target(received, std::pmr::null_memory_resource(), target), TargetError::none);
  EXPECT_EQ(target.path.data(), received.data());
  EXPECT_EQ(target.forward.data(), received.data());
}

}  // namespace
}  // namespace fairlead

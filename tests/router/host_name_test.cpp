#include "router/host_name.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

std::string canonical(std::string_view authority) {
  char text[max_host_name];
  const auto host = canonical_host(authority, text);
  return host ? std::string(*host) : "refused";
}

TEST(HostName, HasOneCanonicalForm) {
  EXPECT_EQ(canonical("Example.COM:8080"), "example.com");
  EXPECT_EQ(canonical("example.com."), "example.com");
  EXPECT_EQ(canonical("a_b.example.com"), "a_b.example.com");
  EXPECT_EQ(canonical("10.0.0.1:80"), "10.0.0.1");
  EXPECT_EQ(canonical("[2001:DB8::1]:443"), "[2001:db8::1]");
  EXPECT_EQ(canonical(""), "");
}

TEST(HostName, WhatIsNoHostIsRefused) {
  for (const char* text : {"a..b", ".a", "a b", "a/b", "a@b", "a:b", "a:99999", "a:80:80", "[::1", "[x]", "[1.2.3.4]",
                           ":80", ".", "a.."}) {
    EXPECT_EQ(canonical(text), "refused") << text;
  }
  EXPECT_EQ(canonical(std::string(64, 'a')), "refused");
  EXPECT_EQ(canonical(std::string(63, 'a')), std::string(63, 'a'));
}

TEST(RuleHost, IsAnRfc1123NameOrAWildcardBeforeOne) {
  EXPECT_EQ(canonical_rule_host("*.Example.com"), "*.example.com");
  EXPECT_EQ(canonical_rule_host("a.example.com"), "a.example.com");
  for (const char* text : {"*", "*.", "a.*.com", "*a.com", "-a.com", "a-.com", "a_b.com", "", "a.com.", "a.com:80"}) {
    EXPECT_FALSE(canonical_rule_host(text)) << text;
  }
}

TEST(ParentSuffix, IsWhatAWildcardWouldMatch) {
  EXPECT_EQ(parent_suffix("a.example.com"), ".example.com");
  EXPECT_FALSE(parent_suffix("localhost"));
  EXPECT_FALSE(parent_suffix("[2001:db8::1.2.3.4]"));
}

}  // namespace
}  // namespace fairlead

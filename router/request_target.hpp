#pragma once

#include <cstdint>
#include <memory_resource>
#include <string_view>

#include "router/base/result.hpp"

namespace fairlead {

enum class TargetForm : std::uint8_t { origin, absolute, asterisk };

enum class TargetError : std::uint8_t {
  none,
  empty,
  not_a_path,           // neither "/…", "http(s)://…" nor "*"
  forbidden_character,  // anything but visible ASCII (RFC 9112 3.2), and '#' (a fragment is never sent)
  bad_percent,          // '%' without two hex digits
  encoded_nul,          // %00
  above_root,           // ".." beyond "/"
  hidden_dot_segment,   // dot segments that appear only after an encoded slash is decoded
  bad_authority,        // absolute-form without a usable host
};

// A request target and its one normal form, which serves routing, policies, limits and logs alike.
//
// Normal path: percent-decoded, "." and ".." resolved (RFC 3986 5.2.4), runs of '/' merged, always starts with '/'.
// What is forwarded: the path and query exactly as the client sent them, unless dot segments had to be resolved; then
// the normal path re-encoded, so that an upstream cannot see another path than the one that was authorised.
struct RequestTarget {
  TargetForm form = TargetForm::origin;
  std::string_view authority;  // absolute-form only: host[:port] as sent, without userinfo (which is refused)
  std::string_view path;       // normal form; views the received bytes when they already were normal
  std::string_view query;      // without '?', as sent
  bool has_query = false;      // "/a?" has one, an empty one
  std::string_view forward;    // path and query to send upstream, unless a policy rewrites it
};

// Storage that was needed is taken from the arena; nothing is when the target already is in normal form.
// received must outlive the result.
TargetError parse_target(std::string_view received, std::pmr::memory_resource* arena, RequestTarget& out);
std::string_view describe(TargetError error);

// Percent-encodes a normal path for a request line: everything but RFC 3986 pchar and '/' is escaped, '%' included.
std::string_view encode_path(std::string_view normal_path, std::pmr::memory_resource* arena);

}  // namespace fairlead

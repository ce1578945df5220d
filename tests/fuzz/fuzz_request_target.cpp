// The normal form of a target is final, and what is forwarded has the same one.
#include <memory_resource>

#include "router/host_name.hpp"
#include "router/request_target.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace fairlead {
namespace {

void require_normal(std::string_view path) {
  require(!path.empty() && path.front() == '/', "a normal path begins at the root");
  require(path.find("//") == std::string_view::npos, "a normal path has no empty segment");
  require(path.find('\0') == std::string_view::npos, "a normal path has no NUL");
  for (const std::string_view dots : {"/.", "/.."}) {
    const std::string inside = std::string(dots) + "/";
    require(!path.ends_with(dots) && path.find(inside) == std::string_view::npos, "no dot segment is left");
  }
}

// Reads a target that was made of a normal path.
void require_reads_as(std::string_view text, const RequestTarget& target, std::pmr::memory_resource* arena) {
  RequestTarget again;
  require(parse_target(text, arena, again) == TargetError::none, "what is forwarded is accepted");
  require(again.path == target.path, "what is forwarded has the same normal path");
  require(again.has_query == target.has_query && again.query == target.query, "the query passes unchanged");
}

void require_final_host(std::string_view authority) {
  char name[max_host_name];
  const auto host = canonical_host(authority, name);
  if (!host) return;
  char name_again[max_host_name];
  const auto again = canonical_host(*host, name_again);
  require(again && *again == *host, "the canonical form of a host is final");
}

}  // namespace
}  // namespace fairlead

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace fairlead;
  const std::string_view received(reinterpret_cast<const char*>(data), size);
  std::pmr::monotonic_buffer_resource arena;
  require_final_host(received);
  RequestTarget target;
  if (parse_target(received, &arena, target) != TargetError::none) return 0;
  if (target.form == TargetForm::asterisk) return 0;
  require_normal(target.path);
  require(target.path.size() <= received.size() + 1, "the normal form is no longer than what came");
  require_reads_as(target.forward, target, &arena);
  const std::string_view encoded = encode_path(target.path, &arena);
  const std::string query = target.has_query ? "?" + std::string(target.query) : "";
  require_reads_as(std::string(encoded) + query, target, &arena);
  if (target.form == TargetForm::absolute) require_final_host(target.authority);
  return 0;
}

#include "router/request_target.hpp"

#include <array>
#include <cstring>

#include "router/head.hpp"

namespace fairlead {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986 pchar, and '/': what stands for itself in a path.
constexpr std::array<bool, 256> make_path_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (const char c : std::string_view("-._~!$&'()*+,;=:@/")) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> path_table = make_path_table();

bool is_visible(char c) {
  return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f;
}

// What one look over the received path found out.
struct PathFacts {
  TargetError error = TargetError::none;
  bool has_percent = false;
  bool has_empty_segment = false;
  bool has_dot_start = false;  // a segment begins with '.', perhaps a dot segment
};

PathFacts look_over(std::string_view path) {
  PathFacts facts;
  char previous = 0;
  for (const char c : path) {
    if (!is_visible(c) || c == '#') {
      facts.error = TargetError::forbidden_character;
      return facts;
    }
    if (c == '%') facts.has_percent = true;
    if (previous == '/' && c == '/') facts.has_empty_segment = true;
    if (previous == '/' && c == '.') facts.has_dot_start = true;
    previous = c;
  }
  return facts;
}

bool is_dot_segment(std::string_view segment) {
  return segment == "." || segment == "..";
}

// Decodes one segment behind the bytes already in out. A '/' that comes out of it must not set a dot segment free.
TargetError decode_segment(std::string_view segment, char* out, std::size_t& size) {
  const std::size_t begin = size;
  bool encoded_slash = false;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] != '%') {
      out[size++] = segment[i];
      continue;
    }
    const int high = i + 1 < segment.size() ? hex_digit(segment[i + 1]) : -1;
    const int low = i + 2 < segment.size() ? hex_digit(segment[i + 2]) : -1;
    if (high < 0 || low < 0) return TargetError::bad_percent;
    const char decoded = static_cast<char>(high * 16 + low);
    if (decoded == '\0') return TargetError::encoded_nul;
    encoded_slash |= decoded == '/';
    out[size++] = decoded;
    i += 2;
  }
  if (!encoded_slash) return TargetError::none;
  std::string_view decoded(out + begin, size - begin);
  while (!decoded.empty()) {
    const std::size_t slash = std::min(decoded.find('/'), decoded.size());
    if (is_dot_segment(decoded.substr(0, slash))) return TargetError::hidden_dot_segment;
    decoded.remove_prefix(std::min(slash + 1, decoded.size()));
  }
  return TargetError::none;
}

// Drops the last segment, its leading slash included.
bool step_up(const char* out, std::size_t& size) {
  if (size == 0) return false;
  do --size;
  while (size > 0 && out[size] != '/');
  return true;
}

// Runs of '/' become one, also where an encoded one stands beside a plain one.
std::size_t merge_slashes(char* text, std::size_t size) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < size; ++i) {
    if (text[i] == '/' && kept > 0 && text[kept - 1] == '/') continue;
    text[kept++] = text[i];
  }
  return kept;
}

struct Normalised {
  TargetError error = TargetError::none;
  std::string_view path;
  bool resolved_dots = false;
};

// Segment by segment: decode, then resolve. The result never is longer than what was received.
Normalised normalise(std::string_view path, std::pmr::memory_resource* arena) {
  char* const out = static_cast<char*>(arena->allocate(path.size() + 1, 1));
  std::size_t size = 0;
  Normalised result;
  bool ends_in_slash = false;
  while (!path.empty()) {  // path begins with '/'
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    const std::size_t begin = size;
    ends_in_slash = segment.empty();
    if (segment.empty()) continue;
    out[size++] = '/';
    result.error = decode_segment(segment, out, size);
    if (result.error != TargetError::none) return result;
    const std::string_view decoded(out + begin + 1, size - begin - 1);
    if (!is_dot_segment(decoded)) continue;
    const bool up = decoded == "..";
    result.resolved_dots = true;
    ends_in_slash = true;
    size = begin;
    if (up && !step_up(out, size)) {
      result.error = TargetError::above_root;
      return result;
    }
  }
  if (ends_in_slash || size == 0) out[size++] = '/';
  result.path = {out, merge_slashes(out, size)};
  return result;
}

// "http://host:port" in front of an absolute-form target (RFC 9112 3.2.2).
TargetError take_authority(std::string_view& rest, RequestTarget& target) {
  for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")}) {
    if (!equal_ignoring_case(rest.substr(0, scheme.size()), scheme)) continue;
    rest.remove_prefix(scheme.size());
    const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
    target.authority = rest.substr(0, end);
    target.form = TargetForm::absolute;
    rest.remove_prefix(end);
    const bool userinfo = target.authority.find('@') != std::string_view::npos;
    return target.authority.empty() || userinfo ? TargetError::bad_authority : TargetError::none;
  }
  return TargetError::not_a_path;
}

std::string_view join(std::pmr::memory_resource* arena, std::string_view path, bool has_query, std::string_view query) {
  if (!has_query) return path;
  const std::size_t size = path.size() + 1 + query.size();
  char* const out = static_cast<char*>(arena->allocate(size, 1));
  path.copy(out, path.size());
  out[path.size()] = '?';
  query.copy(out + path.size() + 1, query.size());
  return {out, size};
}

TargetError parse_path(std::string_view received, std::pmr::memory_resource* arena, RequestTarget& out) {
  const std::size_t question = received.find('?');
  std::string_view path = received.substr(0, question);
  out.has_query = question != std::string_view::npos;
  if (out.has_query) out.query = received.substr(question + 1);
  if (look_over(out.query).error != TargetError::none) return TargetError::forbidden_character;
  const bool rootless = path.empty();  // "http://host?query"
  if (rootless) path = "/";
  const PathFacts facts = look_over(path);
  if (facts.error != TargetError::none) return facts.error;
  out.path = path;
  out.forward = rootless ? join(arena, path, out.has_query, out.query) : received;
  if (!facts.has_percent && !facts.has_empty_segment && !facts.has_dot_start) return TargetError::none;
  const Normalised normal = normalise(path, arena);
  if (normal.error != TargetError::none) return normal.error;
  out.path = normal.path;
  if (normal.resolved_dots) out.forward = join(arena, encode_path(normal.path, arena), out.has_query, out.query);
  return TargetError::none;
}

}  // namespace

TargetError parse_target(std::string_view received, std::pmr::memory_resource* arena, RequestTarget& out) {
  out = {};
  if (received.empty()) return TargetError::empty;
  if (received == "*") {
    out.form = TargetForm::asterisk;
    out.path = out.forward = received;
    return TargetError::none;
  }
  if (received.front() != '/') {
    const TargetError error = take_authority(received, out);
    if (error != TargetError::none) return error;
  }
  return parse_path(received, arena, out);
}

std::string_view encode_path(std::string_view normal_path, std::pmr::memory_resource* arena) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::size_t escaped = 0;
  for (const char c : normal_path) escaped += !path_table[static_cast<unsigned char>(c)];
  if (escaped == 0) return normal_path;
  char* const out = static_cast<char*>(arena->allocate(normal_path.size() + 2 * escaped, 1));
  char* at = out;
  for (const char c : normal_path) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (path_table[byte]) {
      *at++ = c;
      continue;
    }
    *at++ = '%';
    *at++ = digits[byte >> 4];
    *at++ = digits[byte & 15];
  }
  return {out, static_cast<std::size_t>(at - out)};
}

std::string_view describe(TargetError error) {
  switch (error) {
    case TargetError::none:
      return "no error";
    case TargetError::empty:
      return "the request target is empty";
    case TargetError::not_a_path:
      return "the request target is no path";
    case TargetError::forbidden_character:
      return "the request target holds a character that is not allowed";
    case TargetError::bad_percent:
      return "the request target holds a malformed percent-encoding";
    case TargetError::encoded_nul:
      return "the request target holds an encoded NUL";
    case TargetError::above_root:
      return "the request target leads above the root";
    case TargetError::hidden_dot_segment:
      return "the request target hides a dot segment behind an encoded slash";
    case TargetError::bad_authority:
      return "the request target has no usable authority";
  }
  return "unknown";
}

}  // namespace fairlead

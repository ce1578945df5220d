#include "proxy/http1_head.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace fairlead {
namespace {

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> token_table = make_token_table();

bool is_token_char(char c) {
  return token_table[static_cast<unsigned char>(c)];
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A cursor over a head whose end is known: every line in it ends in CRLF.
struct Cursor {
  const char* at;
  const char* end;

  // A CR is never the last byte: the head ends in LF.
  bool at_line_end() const { return at[0] == '\r' && at[1] == '\n'; }
};

// Eight bytes of text at a time, the first of them lowest.
constexpr std::uint64_t ones = 0x0101010101010101ULL;
constexpr std::uint64_t highs = 0x8080808080808080ULL;

std::uint64_t load(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return std::endian::native == std::endian::little ? word : __builtin_bswap64(word);
}

// Marks the high bit of bytes below n (at most 0x80). Above the first that is below, others may be marked too.
constexpr std::uint64_t below(std::uint64_t word, std::uint64_t n) {
  return (word - ones * n) & ~word & highs;
}

constexpr std::uint64_t equal_to(std::uint64_t word, char c) {
  return below(word ^ (ones * static_cast<unsigned char>(c)), 1);
}

std::ptrdiff_t first_marked(std::uint64_t marks) {
  return std::countr_zero(marks) / 8;
}

// First character of [at, end) that may not stand in a field value: a control character other than HTAB.
const char* find_control(const char* at, const char* end) {
  while (end - at >= 8) {
    const std::uint64_t word = load(at);
    const std::uint64_t controls = below(word, 0x20) | equal_to(word, 0x7f);
    if (controls == 0) {
      at += 8;
      continue;
    }
    at += first_marked(controls);
    if (*at != '\t') return at;
    ++at;
  }
  for (; at != end; ++at) {
    const unsigned char c = static_cast<unsigned char>(*at);
    if ((c < 0x20 && c != '\t') || c == 0x7f) return at;
  }
  return end;
}

const char* find_colon(const char* at, const char* end) {
  while (end - at >= 8) {
    const std::uint64_t colons = equal_to(load(at), ':');
    if (colons != 0) return at + first_marked(colons);
    at += 8;
  }
  while (at != end && *at != ':') ++at;
  return at;
}

// A name that is known needs no further proof.
HeadError parse_name(const char* at, const char* end, Field& field) {
  const char* const colon = find_colon(at, end);
  field.name = {at, static_cast<std::size_t>(colon - at)};
  field.known = field_name(field.name);
  if (field.known != FieldName::other) return HeadError::none;
  if (*at == ' ' || *at == '\t') return HeadError::folded_line;
  const bool token = colon != at && colon != end && std::all_of(at, colon, is_token_char);
  return token ? HeadError::none : HeadError::bad_field_name;
}

HeadError parse_field(Cursor& cursor, Field& field) {
  const HeadError bad_name = parse_name(cursor.at, cursor.end, field);
  if (bad_name != HeadError::none) return bad_name;
  const char* at = field.name.data() + field.name.size() + 1;
  while (*at == ' ' || *at == '\t') ++at;
  const char* const value = at;
  at = find_control(at, cursor.end);
  if (at == cursor.end || at[0] != '\r' || at[1] != '\n') return HeadError::bad_field_value;
  const char* value_end = at;
  while (value_end > value && (value_end[-1] == ' ' || value_end[-1] == '\t')) --value_end;
  field.value = {value, static_cast<std::size_t>(value_end - value)};
  cursor.at = at + 2;
  return HeadError::none;
}

HeadError parse_field_lines(Cursor& cursor, std::vector<Field>& fields, Fields& out) {
  fields.clear();
  out.present = 0;
  while (!cursor.at_line_end()) {
    if (fields.size() == fields.capacity()) return HeadError::too_many_fields;
    Field& field = fields.emplace_back();
    if (const HeadError error = parse_field(cursor, field); error != HeadError::none) return error;
    out.present |= Fields::bit_of(field.known);
  }
  out.list = fields;
  out.end = cursor.at;
  return cursor.at + 2 == cursor.end ? HeadError::none : HeadError::bad_field_value;
}

// "HTTP/1.1"
HeadError parse_version(Cursor& cursor, std::uint8_t& minor) {
  constexpr std::size_t size = 8;
  const char* at = cursor.at;
  if (static_cast<std::size_t>(cursor.end - at) < size || std::memcmp(at, "HTTP/", 5) != 0 || !is_digit(at[5]) ||
      at[6] != '.' || !is_digit(at[7])) {
    return HeadError::bad_version;
  }
  if (at[5] != '1') return HeadError::unknown_version;
  minor = at[7] == '0' ? 0 : 1;  // a higher minor version is served as the highest we know (RFC 9110 2.5)
  cursor.at += size;
  return HeadError::none;
}

HeadError parse_request_line(Cursor& cursor, RequestHead& head) {
  const char* at = cursor.at;
  while (is_token_char(*at)) ++at;
  if (at == cursor.at || *at != ' ') return HeadError::bad_method;
  head.method_text = {cursor.at, static_cast<std::size_t>(at - cursor.at)};
  head.method = method_of(head.method_text);
  const char* const target = ++at;
  while (static_cast<unsigned char>(*at) > 0x20 && static_cast<unsigned char>(*at) < 0x7f) ++at;
  if (*at != ' ') return at == target || *at == '\r' ? HeadError::bad_request_line : HeadError::bad_target;
  if (at == target) return HeadError::bad_request_line;
  head.target = {target, static_cast<std::size_t>(at - target)};
  cursor.at = at + 1;
  if (const HeadError error = parse_version(cursor, head.minor_version); error != HeadError::none) return error;
  if (!cursor.at_line_end()) return HeadError::bad_request_line;
  cursor.at += 2;
  return HeadError::none;
}

HeadError parse_status_line(Cursor& cursor, ResponseHead& head) {
  if (const HeadError error = parse_version(cursor, head.minor_version); error != HeadError::none) return error;
  const char* at = cursor.at;
  if (at[0] != ' ' || !is_digit(at[1]) || !is_digit(at[2]) || !is_digit(at[3])) return HeadError::bad_status_line;
  head.status = (at[1] - '0') * 100 + (at[2] - '0') * 10 + (at[3] - '0');
  if (head.status < 100) return HeadError::bad_status_line;
  at += 4;
  if (*at == ' ')
    ++at;  // many servers leave it out when there is no reason phrase
  else if (*at != '\r')
    return HeadError::bad_status_line;
  const char* const reason = at;
  at = find_control(at, cursor.end);
  if (at == cursor.end || at[0] != '\r' || at[1] != '\n') return HeadError::bad_status_line;
  head.reason = {reason, static_cast<std::size_t>(at - reason)};
  cursor.at = at + 2;
  return HeadError::none;
}

}  // namespace

std::size_t find_head(std::string_view bytes, const HeadBounds& bounds, HeadScan& scan, HeadError& error) {
  while (scan.searched < bytes.size()) {
    const void* const found = std::memchr(bytes.data() + scan.searched, '\n', bytes.size() - scan.searched);
    const std::size_t line_feed =
        found ? static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data()) : bytes.size();
    if (!scan.first_line_done && line_feed > bounds.max_first_line + 1) {
      error = HeadError::line_too_long;
      return 0;
    }
    if (line_feed >= bounds.max_head) {
      error = HeadError::head_too_large;
      return 0;
    }
    if (!found) {
      scan.searched = bytes.size();
      return 0;
    }
    if (line_feed == 0 || bytes[line_feed - 1] != '\r') {
      error = HeadError::bare_line_feed;
      return 0;
    }
    const bool empty_line = line_feed == scan.line_begin + 1;
    scan.first_line_done = true;
    scan.line_begin = scan.searched = line_feed + 1;
    if (empty_line) return line_feed + 1;
  }
  return 0;
}

HeadError parse_request_head(std::string_view bytes, std::vector<Field>& fields, RequestHead& head) {
  Cursor cursor{bytes.data(), bytes.data() + bytes.size()};
  if (const HeadError error = parse_request_line(cursor, head); error != HeadError::none) return error;
  return parse_field_lines(cursor, fields, head.fields);
}

HeadError parse_response_head(std::string_view bytes, std::vector<Field>& fields, ResponseHead& head) {
  Cursor cursor{bytes.data(), bytes.data() + bytes.size()};
  if (const HeadError error = parse_status_line(cursor, head); error != HeadError::none) {
    return error == HeadError::bad_version ? HeadError::bad_status_line : error;
  }
  return parse_field_lines(cursor, fields, head.fields);
}

HeadError parse_fields(std::string_view bytes, std::vector<Field>& fields, Fields& out) {
  Cursor cursor{bytes.data(), bytes.data() + bytes.size()};
  return parse_field_lines(cursor, fields, out);
}

std::string_view describe(HeadError error) {
  switch (error) {
    case HeadError::none:
      return "no error";
    case HeadError::bad_request_line:
      return "the request line is malformed";
    case HeadError::bad_method:
      return "the method is no token";
    case HeadError::bad_target:
      return "the request target holds a character that is not allowed";
    case HeadError::bad_version:
      return "the protocol version is malformed";
    case HeadError::unknown_version:
      return "the protocol version is not supported";
    case HeadError::bad_status_line:
      return "the status line is malformed";
    case HeadError::bare_line_feed:
      return "a line ends in a bare line feed";
    case HeadError::folded_line:
      return "a header line is folded";
    case HeadError::bad_field_name:
      return "a header name is malformed";
    case HeadError::bad_field_value:
      return "a header value holds a control character";
    case HeadError::too_many_fields:
      return "there are more headers than max-header-count";
    case HeadError::line_too_long:
      return "the request line is longer than max-request-line-bytes";
    case HeadError::head_too_large:
      return "the header block is larger than its limit";
  }
  return "unknown";
}

}  // namespace fairlead

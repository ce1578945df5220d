#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace fairlead {

// Field names that Fairlead itself looks at. Anything else is `other` and is compared by text.
enum class FieldName : std::uint8_t {
  other,
  accept_encoding,
  access_control_request_headers,
  access_control_request_method,
  authorization,
  connection,
  content_length,
  content_type,
  cookie,
  date,
  expect,
  forwarded,
  host,
  keep_alive,
  location,
  origin,
  proxy,  // httpoxy: never passed on
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  referer,
  server,
  set_cookie,
  strict_transport_security,
  te,
  trailer,
  transfer_encoding,
  upgrade,
  user_agent,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_port,
  x_forwarded_prefix,
  x_forwarded_proto,
  x_forwarded_scheme,
  x_original_forwarded_for,
  x_original_forwarded_host,
  x_real_ip,
  x_request_id,
  x_scheme,
};
static_assert(static_cast<unsigned>(FieldName::x_scheme) < 64, "Fields::present has a bit for each");

// ASCII case is ignored. '_' is not '-': names with '_' are `other` (see hop_headers.hpp for how aliases are stripped).
FieldName field_name(std::string_view name);

bool equal_ignoring_case(std::string_view a, std::string_view b);  // ASCII only
// The same for a token of lower case letters and '-', in fewer steps.
bool equals_token(std::string_view text, std::string_view lower_token);
// Whether a comma-separated list (RFC 9110 5.6.1) contains the token, ignoring case.
bool list_contains(std::string_view list, std::string_view token);

// One field line, as views into the bytes received. The name starts its line: in HTTP/1 the line's bytes run up to the
// next field's name (or Fields::end), which lets unchanged lines be copied as whole ranges.
struct Field {
  std::string_view name;
  std::string_view value;  // without surrounding white space
  FieldName known = FieldName::other;
};

struct Fields {
  std::span<const Field> list;
  const char* end = nullptr;  // one past the last line's CRLF
  // A bit for each known name that may be in the list: most questions are about fields that are not there.
  std::uint64_t present = ~std::uint64_t{0};

  static constexpr std::uint64_t bit_of(FieldName known) { return std::uint64_t{1} << static_cast<unsigned>(known); }
  bool may_have(FieldName known) const { return (present & bit_of(known)) != 0; }

  const Field* find(FieldName known) const;        // first, or null
  const Field* find(std::string_view name) const;  // first, ignoring case, or null
  std::string_view value(FieldName known) const;   // first one's, or ""
};

enum class Method : std::uint8_t { get, head, post, put, delete_, connect, options, trace, patch, other };
Method method_of(std::string_view token);  // case-sensitive (RFC 9110 9.1)
bool is_idempotent(Method method);         // RFC 9110 9.2.2; `other` is not

struct RequestHead {
  Method method = Method::get;
  std::string_view method_text;
  std::string_view target;  // as received
  std::uint8_t minor_version = 1;
  Fields fields;
};

struct ResponseHead {
  int status = 0;
  std::string_view reason;
  std::uint8_t minor_version = 1;
  Fields fields;
};

// Changes to a head that apply while it is written out; what is not named passes unchanged. Views must outlive the
// write: build values in the Exchange's arena (memory()). No heap allocation while edits stay within inline_edits.
class HeadEdits {
 public:
  enum class Operation : std::uint8_t {
    set,     // replaces every received field of that name
    add,     // one more line, whatever else is there
    remove,  // drops every received field of that name
  };
  struct Edit {
    Operation operation;
    FieldName known;
    std::string_view name;
    std::string_view value;
  };

  explicit HeadEdits(std::pmr::memory_resource* arena) : edits_(arena), arena_(arena) {}

  // A later set or remove of the same name replaces earlier edits of it.
  void set(std::string_view name, std::string_view value);
  void add(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  void clear() { edits_.clear(); }

  bool empty() const { return edits_.empty(); }
  std::span<const Edit> list() const { return edits_; }
  // Whether a received field of this name must not be copied.
  bool drops(const Field& field) const;

  std::pmr::memory_resource* memory() const { return arena_; }
  // Copies text into the arena.
  std::string_view keep(std::string_view text);

 private:
  std::pmr::vector<Edit> edits_;
  std::pmr::memory_resource* arena_;
};

}  // namespace fairlead

#include "router/head.hpp"

#include <algorithm>
#include <cstring>

#include "router/base/ows.hpp"

namespace fairlead {
namespace {

struct KnownField {
  std::string_view name;  // lower case
  FieldName known;
};

constexpr KnownField known_fields[] = {
    {"accept-encoding", FieldName::accept_encoding},
    {"access-control-request-headers", FieldName::access_control_request_headers},
    {"access-control-request-method", FieldName::access_control_request_method},
    {"authorization", FieldName::authorization},
    {"connection", FieldName::connection},
    {"content-length", FieldName::content_length},
    {"content-type", FieldName::content_type},
    {"cookie", FieldName::cookie},
    {"date", FieldName::date},
    {"expect", FieldName::expect},
    {"forwarded", FieldName::forwarded},
    {"host", FieldName::host},
    {"keep-alive", FieldName::keep_alive},
    {"location", FieldName::location},
    {"origin", FieldName::origin},
    {"proxy", FieldName::proxy},
    {"proxy-authenticate", FieldName::proxy_authenticate},
    {"proxy-authorization", FieldName::proxy_authorization},
    {"proxy-connection", FieldName::proxy_connection},
    {"referer", FieldName::referer},
    {"server", FieldName::server},
    {"set-cookie", FieldName::set_cookie},
    {"strict-transport-security", FieldName::strict_transport_security},
    {"te", FieldName::te},
    {"trailer", FieldName::trailer},
    {"transfer-encoding", FieldName::transfer_encoding},
    {"upgrade", FieldName::upgrade},
    {"user-agent", FieldName::user_agent},
    {"x-forwarded-for", FieldName::x_forwarded_for},
    {"x-forwarded-host", FieldName::x_forwarded_host},
    {"x-forwarded-port", FieldName::x_forwarded_port},
    {"x-forwarded-prefix", FieldName::x_forwarded_prefix},
    {"x-forwarded-proto", FieldName::x_forwarded_proto},
    {"x-forwarded-scheme", FieldName::x_forwarded_scheme},
    {"x-original-forwarded-for", FieldName::x_original_forwarded_for},
    {"x-original-forwarded-host", FieldName::x_original_forwarded_host},
    {"x-real-ip", FieldName::x_real_ip},
    {"x-request-id", FieldName::x_request_id},
    {"x-scheme", FieldName::x_scheme},
};

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// A hash without collisions, so that at most one known name has to be compared: of the length, the first character and
// the last two. Case makes no difference to it.
struct NameHash {
  unsigned of_length = 0;
  unsigned of_end = 0;

  static constexpr std::size_t slots = 128;
  static constexpr std::size_t shortest = 2;
  static constexpr std::size_t longest = 30;

  constexpr std::size_t operator()(std::string_view name) const {
    const auto folded = [](char c) { return static_cast<unsigned>(c | 0x20) & 0xffu; };
    const std::size_t size = name.size();
    return (static_cast<unsigned>(size) * of_length + folded(name[0]) +
            (folded(name[size - 1]) + folded(name[size - 2])) * of_end) %
           slots;
  }
};

struct NameIndex {
  NameHash hash;
  std::array<KnownField, NameHash::slots> slots{};
};

constexpr bool fill(NameIndex& index) {
  index.slots = {};
  for (const KnownField& field : known_fields) {
    if (field.name.size() < NameHash::shortest || field.name.size() > NameHash::longest) return false;
    KnownField& slot = index.slots[index.hash(field.name)];
    if (!slot.name.empty()) return false;
    slot = field;
  }
  return true;
}

constexpr NameIndex make_index() {
  NameIndex index;
  for (unsigned of_length = 1; of_length < 16; ++of_length) {
    for (unsigned of_end = 1; of_end < NameHash::slots; of_end += 2) {
      index.hash = {of_length, of_end};
      if (fill(index)) return index;
    }
  }
  return {};
}
constexpr NameIndex index = make_index();
static_assert(index.hash.of_end != 0, "the known names need another hash, or one of them is too short or too long");

// Only letters, which have the bit 0x40 and are the only such characters in a known name, may differ in case.
template <class Word>
bool same_folded(const char* text, const char* lower_text) {
  constexpr Word letters = static_cast<Word>(0x4040404040404040ULL);
  Word a;
  Word b;
  std::memcpy(&a, text, sizeof a);
  std::memcpy(&b, lower_text, sizeof b);
  return ((a ^ b) & static_cast<Word>(~((b & letters) >> 1))) == 0;
}

// Of equal sizes. lower_text: lower case letters and '-'.
bool equals_lower(std::string_view text, std::string_view lower_text) {
  const char* const a = text.data();
  const char* const b = lower_text.data();
  const std::size_t size = text.size();
  if (size >= 8) {
    for (std::size_t i = 0; i + 8 < size; i += 8) {
      if (!same_folded<std::uint64_t>(a + i, b + i)) return false;
    }
    return same_folded<std::uint64_t>(a + size - 8, b + size - 8);
  }
  if (size >= 4) return same_folded<std::uint32_t>(a, b) && same_folded<std::uint32_t>(a + size - 4, b + size - 4);
  return std::equal(text.begin(), text.end(), lower_text.begin(), [](char x, char y) { return lower(x) == y; });
}

bool same_name(FieldName known, std::string_view name, FieldName other_known, std::string_view other) {
  if (known != other_known) return false;
  return known != FieldName::other || equal_ignoring_case(name, other);
}

}  // namespace

FieldName field_name(std::string_view name) {
  if (name.size() < NameHash::shortest || name.size() > NameHash::longest) return FieldName::other;
  const KnownField& field = index.slots[index.hash(name)];
  return field.name.size() == name.size() && equals_lower(name, field.name) ? field.known : FieldName::other;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool equals_token(std::string_view text, std::string_view lower_token) {
  return text.size() == lower_token.size() && equals_lower(text, lower_token);
}

bool list_contains(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (equal_ignoring_case(trim_ows(list.substr(0, comma)), token)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

const Field* Fields::find(FieldName known) const {
  if (!may_have(known)) return nullptr;
  const auto found = std::find_if(list.begin(), list.end(), [&](const Field& field) { return field.known == known; });
  return found == list.end() ? nullptr : &*found;
}

const Field* Fields::find(std::string_view name) const {
  const FieldName known = field_name(name);
  for (const Field& field : list) {
    if (same_name(field.known, field.name, known, name)) return &field;
  }
  return nullptr;
}

std::string_view Fields::value(FieldName known) const {
  const Field* const field = find(known);
  return field ? field->value : std::string_view();
}

Method method_of(std::string_view token) {
  static constexpr std::pair<std::string_view, Method> methods[] = {
      {"GET", Method::get},     {"POST", Method::post},       {"HEAD", Method::head},
      {"PUT", Method::put},     {"DELETE", Method::delete_},  {"OPTIONS", Method::options},
      {"PATCH", Method::patch}, {"CONNECT", Method::connect}, {"TRACE", Method::trace},
  };
  for (const auto& [text, method] : methods) {
    if (text == token) return method;
  }
  return Method::other;
}

bool is_idempotent(Method method) {
  switch (method) {
    case Method::get:
    case Method::head:
    case Method::put:
    case Method::delete_:
    case Method::options:
    case Method::trace:
      return true;
    default:
      return false;
  }
}

void HeadEdits::set(std::string_view name, std::string_view value) {
  remove(name);
  edits_.back().operation = Operation::set;
  edits_.back().value = value;
}

void HeadEdits::add(std::string_view name, std::string_view value) {
  edits_.push_back({Operation::add, field_name(name), name, value});
}

void HeadEdits::remove(std::string_view name) {
  const FieldName known = field_name(name);
  std::erase_if(edits_, [&](const Edit& edit) { return same_name(edit.known, edit.name, known, name); });
  edits_.push_back({Operation::remove, known, name, {}});
}

bool HeadEdits::drops(const Field& field) const {
  return std::any_of(edits_.begin(), edits_.end(), [&](const Edit& edit) {
    return edit.operation != Operation::add && same_name(edit.known, edit.name, field.known, field.name);
  });
}

std::string_view HeadEdits::keep(std::string_view text) {
  char* const copy = static_cast<char*>(arena_->allocate(text.size(), 1));
  text.copy(copy, text.size());
  return {copy, text.size()};
}

}  // namespace fairlead

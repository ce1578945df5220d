#include "router/hop_headers.hpp"

#include <algorithm>

#include "router/base/ows.hpp"
#include "router/forwarded_headers.hpp"

namespace fairlead {
namespace {

// Names that decide framing, routing or who the Client is: a Client does not get to remove them by nominating them.
bool may_be_nominated(std::string_view name) {
  const FieldName known = field_name(name);
  if (known == FieldName::host || known == FieldName::content_length) return false;
  return !is_hop_by_hop(known) && !is_forwarded_field({name, {}, known});
}

}  // namespace

bool is_hop_by_hop(FieldName name) {
  switch (name) {
    case FieldName::connection:
    case FieldName::keep_alive:
    case FieldName::proxy:
    case FieldName::proxy_authenticate:
    case FieldName::proxy_authorization:
    case FieldName::proxy_connection:
    case FieldName::te:
    case FieldName::trailer:
    case FieldName::transfer_encoding:
    case FieldName::upgrade:
      return true;
    default:
      return false;
  }
}

NominatedFields::NominatedFields(const Fields& fields) {
  if (!fields.may_have(FieldName::connection)) return;
  for (const Field& field : fields.list) {
    if (field.known != FieldName::connection || equals_token(field.value, "keep-alive")) continue;
    std::string_view list = field.value;
    while (!list.empty()) {
      const std::size_t comma = std::min(list.find(','), list.size());
      const std::string_view name = trim_ows(list.substr(0, comma));
      list.remove_prefix(std::min(comma + 1, list.size()));
      if (name.empty() || equal_ignoring_case(name, "close") || !may_be_nominated(name)) continue;
      if (count_ == max_names) {
        overflow_ = true;
        return;
      }
      names_[count_++] = {name.data(), name.size()};
    }
  }
}

bool NominatedFields::contains(std::string_view name) const {
  return std::any_of(names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(count_), [&](const Name& nominated) {
    return equal_ignoring_case({nominated.data, nominated.size}, name);
  });
}

}  // namespace fairlead

#include "proxy/trailers.hpp"

#include "router/forwarded_headers.hpp"
#include "router/hop_headers.hpp"

namespace fairlead {

bool may_be_trailer(const Field& field) {
  switch (field.known) {
    case FieldName::content_length:
    case FieldName::host:
    case FieldName::authorization:
    case FieldName::cookie:
    case FieldName::set_cookie:
    case FieldName::content_type:
    case FieldName::expect:
    case FieldName::location:
    case FieldName::date:
      return false;
    default:
      return !is_hop_by_hop(field.known) && !is_forwarded_field(field) && !is_forwarding_claim(field);
  }
}

}  // namespace fairlead

#include "router/forwarded_headers.hpp"

#include <algorithm>

#include "router/base/ows.hpp"

namespace fairlead {
namespace {

constexpr std::string_view own_fields[] = {
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-original-forwarded-for",
    "x-original-forwarded-host",
    "x-real-ip",
    "x-request-id",
    "x-scheme",
};

constexpr char folded(char c) {
  if (c == '_') return '-';
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool is_trusted(const IpAddress& address, const std::vector<Cidr>& trusted) {
  return std::any_of(trusted.begin(), trusted.end(), [&](const Cidr& cidr) { return cidr.contains(address); });
}

// Walks one field's list from the right: each trusted address vouches for the one before it. True when the walk came to
// its end within this field: at an address that is not trusted, or at an entry that is none.
bool walk_back(std::string_view list, const std::vector<Cidr>& trusted, IpAddress& client) {
  for (;;) {
    const std::size_t comma = list.rfind(',');
    const std::string_view entry = trim_ows(comma == std::string_view::npos ? list : list.substr(comma + 1));
    const std::optional<IpAddress> address = IpAddress::parse(entry);
    if (!address) return true;
    client = *address;
    if (!is_trusted(client, trusted)) return true;
    if (comma == std::string_view::npos) return false;
    list = list.substr(0, comma);
  }
}

}  // namespace

ClientIdentity identify_client(const IpAddress& peer, bool tls, const Fields& fields, const ForwardedTrust& trust) {
  ClientIdentity client{.address = peer, .https = tls, .forwarded_host = {}, .forwarded_port = {}, .trusted = false};
  if (!trust.use_forwarded_headers || !is_trusted(peer, trust.trusted)) return client;
  client.trusted = true;
  bool stopped = false;
  for (auto field = fields.list.rbegin(); field != fields.list.rend() && !stopped; ++field) {
    if (field->known == FieldName::x_forwarded_for) stopped = walk_back(field->value, trust.trusted, client.address);
  }
  std::string_view scheme = fields.value(FieldName::x_forwarded_proto);
  if (scheme.empty()) scheme = fields.value(FieldName::x_forwarded_scheme);
  if (!scheme.empty()) client.https = equal_ignoring_case(scheme, "https");
  client.forwarded_host = fields.value(FieldName::x_forwarded_host);
  client.forwarded_port = fields.value(FieldName::x_forwarded_port);
  return client;
}

bool is_forwarding_claim(const Field& field) {
  constexpr std::string_view prefix = "x-forwarded-";
  if (field.known == FieldName::forwarded) return true;
  return field.name.size() > prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), field.name.begin(), [](char a, char b) { return a == folded(b); });
}

bool is_forwarded_field(const Field& field) {
  if (field.name.size() < 8 || folded(field.name[0]) != 'x' || folded(field.name[1]) != '-') return false;
  return std::any_of(std::begin(own_fields), std::end(own_fields), [&](std::string_view own) {
    return own.size() == field.name.size() &&
           std::equal(own.begin(), own.end(), field.name.begin(), [](char a, char b) { return a == folded(b); });
  });
}

}  // namespace fairlead

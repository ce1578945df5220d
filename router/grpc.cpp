#include "router/grpc.hpp"

#include <algorithm>
#include <charconv>

namespace fairlead {
namespace {

constexpr std::string_view status_name = "grpc-status";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// How many of a unit make a second, or 0 of what is none; hours and minutes are told apart before.
std::int64_t units_a_second(char unit) {
  switch (unit) {
    case 'S':
      return 1;
    case 'm':
      return 1'000;
    case 'u':
      return 1'000'000;
    case 'n':
      return 1'000'000'000;
    default:
      return 0;
  }
}

}  // namespace

bool is_grpc(const Fields& fields) {
  if (!fields.may_have(FieldName::content_type)) return false;
  const std::string_view type = fields.value(FieldName::content_type);
  if (!equal_ignoring_case(type.substr(0, grpc_content_type.size()), grpc_content_type)) return false;
  if (type.size() == grpc_content_type.size()) return true;
  const char next = type[grpc_content_type.size()];
  return next == '+' || next == ';';
}

GrpcStatus grpc_status_of(int http_status) {
  switch (http_status) {
    case 400:
      return GrpcStatus::internal;
    case 401:
      return GrpcStatus::unauthenticated;
    case 403:
      return GrpcStatus::permission_denied;
    case 404:
    case 405:
    case 501:
    case 505:
      return GrpcStatus::unimplemented;
    case 408:
    case 429:
    case 502:
    case 503:
    case 504:
      return GrpcStatus::unavailable;
    case 413:
    case 414:
    case 431:
      return GrpcStatus::resource_exhausted;
    case 499:
      return GrpcStatus::cancelled;
    default:
      return GrpcStatus::unknown;
  }
}

std::optional<GrpcStatus> parse_grpc_status(std::string_view value) {
  unsigned number = 0;
  const char* const end = value.data() + value.size();
  const bool is_number = !value.empty() && is_digit(value[0]) && (value.size() == 1 || value[0] != '0');
  if (!is_number) return std::nullopt;
  const auto parsed = std::from_chars(value.data(), end, number);
  if (parsed.ptr != end) return std::nullopt;
  if (parsed.ec != std::errc() || number >= grpc_status_count) return GrpcStatus::unknown;
  return static_cast<GrpcStatus>(number);
}

std::optional<GrpcStatus> find_grpc_status(std::string_view trailers) {
  while (!trailers.empty()) {
    const std::string_view line = trailers.substr(0, trailers.find("\r\n"));
    trailers.remove_prefix(std::min(trailers.size(), line.size() + 2));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !equal_ignoring_case(line.substr(0, colon), status_name)) continue;
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    return parse_grpc_status(value);
  }
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> parse_grpc_timeout(std::string_view value) {
  constexpr std::size_t most_digits = 8;
  if (value.size() < 2 || value.size() > most_digits + 1) return std::nullopt;
  const char unit = value.back();
  value.remove_suffix(1);
  std::int64_t amount = 0;
  for (const char c : value) {
    if (!is_digit(c)) return std::nullopt;
    amount = amount * 10 + (c - '0');
  }
  if (unit == 'H') return std::chrono::hours(amount);
  if (unit == 'M') return std::chrono::minutes(amount);
  const std::int64_t units = units_a_second(unit);
  if (units == 0) return std::nullopt;
  return std::chrono::milliseconds((amount * 1'000 + units - 1) / units);
}

std::size_t write_grpc_message(std::string_view text, char* to) {
  constexpr char digits[] = "0123456789ABCDEF";
  char* at = to;
  for (const char c : text) {
    if (c >= 0x20 && c <= 0x7e && c != '%') {
      *at++ = c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    *at++ = '%';
    *at++ = digits[byte >> 4];
    *at++ = digits[byte & 15];
  }
  return static_cast<std::size_t>(at - to);
}

}  // namespace fairlead

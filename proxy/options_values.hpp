#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead {

// The forms that values of flags have, as Go's flag packages read them. Nothing when the text has another form.

// What strconv.ParseBool takes: 1, t, T, true, TRUE, True and their opposites.
std::optional<bool> parse_bool(std::string_view text);

// Digits only, at most max.
std::optional<std::uint64_t> parse_count(std::string_view text, std::uint64_t max);

// A count of bytes, with an optional k, m or g (of 1024).
std::optional<std::uint64_t> parse_size(std::string_view text, std::uint64_t max);
std::string size_text(std::uint64_t bytes);  // "32k"

// time.ParseDuration ("1m30s", "1.5s", "500ms") or plain seconds. Not negative, at most 1000 hours, whole milliseconds
// (rounded down, but never to zero).
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string duration_text(std::chrono::milliseconds time);  // "1m30s"

// Names of Kubernetes: RFC 1123 labels and subdomains, and "namespace/name".
bool is_dns_label(std::string_view text);
bool is_dns_subdomain(std::string_view text);
bool is_object_name(std::string_view text);

}  // namespace fairlead

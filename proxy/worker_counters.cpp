#include "proxy/worker_counters.hpp"

#include <algorithm>

namespace fairlead {
namespace {

// The fields of Limits (limits.hpp), what a Path limits, and the rest.
constexpr std::string_view limit_names[] = {
    "max_request_line_bytes",
    "max_request_head_bytes",
    "max_header_count",
    "max_response_head_bytes",
    "max_chunk_extension_bytes",
    "max_trailer_bytes",
    "max_interim_responses",
    "max_pipelined_bytes",
    "max_keepalive_requests",
    "max_connections",
    "max_idle_upstream_connections",
    "max_upstream_requests",
    "max_tunnel_buffer_bytes",
    "max_splice_pipes",
    "http2_max_concurrent_streams",
    "http2_stream_window_bytes",
    "http2_max_unsent_bytes",
    "http2_max_resets",
    "http2_max_control_frames",
    "http2_flood_interval",
    "http2_max_continuations",
    "http2_upstream_max_concurrent_streams",
    "http2_max_upstream_connections",
    "http2_max_upstream_waiting",
    "http2_upstream_ping_interval",
    "http2_upstream_ping_timeout",
    "header_timeout",
    "body_timeout",
    "idle_timeout",
    "client_send_timeout",
    "tls_handshake_timeout",
    "proxy_header_timeout",
    "upstream_idle_timeout",
    "lingering_close",
    "proxy_body_size",
    "other",
};

}  // namespace

std::span<const std::string_view> LimitHits::names() {
  static_assert(std::size(limit_names) <= max_names);
  return limit_names;
}

void LimitHits::add(std::string_view name) {
  const auto last = std::end(limit_names) - 1;
  counts_[static_cast<std::size_t>(std::find(std::begin(limit_names), last, name) - limit_names)].add();
}

}  // namespace fairlead

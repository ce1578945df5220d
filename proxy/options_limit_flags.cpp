#include <limits>

#include "proxy/input_buffer.hpp"
#include "proxy/options_flag_kinds.hpp"

namespace fairlead {
namespace {

using namespace flag_kinds;

Flag limit_count(std::string_view name, std::string_view help, std::uint64_t min, std::uint32_t Limits::*field) {
  return count(
      name, "N", help, min,
      std::numeric_limits<std::uint32_t>::max(), [=](auto& options) -> auto& { return options.limits.*field; });
}

Flag limit_count(std::string_view name, std::string_view help, std::uint64_t min, std::size_t Limits::*field) {
  return count(
      name, "N", help, min, 100'000, [=](auto& options) -> auto& { return options.limits.*field; });
}

// What must be whole to be understood is gathered in a Worker's read buffer, with a little room for what is around it.
constexpr std::size_t max_whole = ScratchBuffer::largest_whole - 1024;

Flag limit_size(std::string_view name, std::string_view help, std::uint64_t min, std::size_t Limits::*field,
                std::size_t max = max_whole) {
  return {.group = {},
          .name = name,
          .argument = "SIZE",
          .help = help,
          .read = [=](Options& options, std::string_view value) -> Flag::Complaint {
            const auto parsed = parse_size(value, max);
            if (!parsed || *parsed < min) {
              return "must be a size from " + size_text(min) + " to " + size_text(max) + ", such as 32k";
            }
            options.limits.*field = *parsed;
            return std::nullopt;
          },
          .show = [=](const Options& options) { return size_text(options.limits.*field); }};
}

Flag limit_time(std::string_view name, std::string_view help, std::chrono::milliseconds Limits::*field,
                bool may_be_zero = false) {
  return time(
      name, help, may_be_zero, [=](auto& options) -> auto& { return options.limits.*field; });
}

}  // namespace

std::vector<Flag> limit_flags() {
  using L = Limits;
  return grouped(
      "Limits",
      {limit_size("max-request-line-bytes", "Longer request lines: 414.", 64, &L::max_request_line_bytes),
       limit_size("max-request-head-bytes", "Longer request heads, request line included: 431.", 128,
                  &L::max_request_head_bytes),
       limit_count("max-header-count", "More header fields: 431 (requests), 502 (responses).", 1, &L::max_header_count),
       limit_size("max-response-head-bytes", "Longer response heads: 502.", 128, &L::max_response_head_bytes),
       limit_size("max-chunk-extension-bytes",
                  "Longer extensions of one chunk: 400, or the connection to the service "
                  "is closed.",
                  0, &L::max_chunk_extension_bytes),
       limit_size("max-trailer-bytes", "Longer trailers: 400, or the connection to the service is closed.", 0,
                  &L::max_trailer_bytes),
       limit_count("max-interim-responses", "More 1xx responses before the final one: 502.", 0,
                   &L::max_interim_responses),
       limit_size("max-pipelined-bytes", "Read ahead of the request that is being answered; more waits in the socket.",
                  1024, &L::max_pipelined_bytes, ScratchBuffer::largest_whole),
       limit_count("max-keepalive-requests", "Requests of one client connection; then it is closed.", 1,
                   &L::max_keepalive_requests),
       limit_count("max-connections", "Clients' connections of the whole program; more are closed at once and counted.",
                   1, &L::max_connections),
       limit_count("max-idle-upstream-connections", "Idle connections kept per worker and endpoint.", 0,
                   &L::max_idle_upstream_connections),
       limit_count("max-upstream-requests", "Requests of one connection to a service; then it is closed.", 1,
                   &L::max_upstream_requests),
       limit_size("max-tunnel-buffer-bytes", "Unsent bytes held per direction of a WebSocket or other tunnel.", 1024,
                  &L::max_tunnel_buffer_bytes, ScratchBuffer::largest_whole),
       limit_count("max-splice-pipes",
                   "Large plain bodies of a worker that the kernel moves at the same time; further ones are copied.", 0,
                   &L::max_splice_pipes),
       limit_count(
           "http2-max-concurrent-streams",
           "Requests at once on one HTTP/2 connection; more are refused, and close it once the client knows of this.",
           1, &L::http2_max_concurrent_streams),
       limit_size("http2-stream-window-bytes", "Of one HTTP/2 request body, received and not passed on yet.", 1024,
                  &L::http2_stream_window_bytes, 16 * 1024 * 1024),
       limit_size("http2-max-unsent-bytes",
                  "Of all responses on one HTTP/2 connection that wait for the client; more stays with the services. "
                  "From half of it on, only those go on that the client takes.",
                  1024, &L::http2_max_unsent_bytes, 64 * 1024 * 1024),
       limit_count("http2-max-resets",
                   "Streams of one HTTP/2 connection that are reset before they are answered, within "
                   "--http2-flood-interval; then it is closed.",
                   1, &L::http2_max_resets),
       limit_count("http2-max-control-frames",
                   "Frames of one HTTP/2 connection that serve no request (PING, SETTINGS, PRIORITY, empty DATA, …), "
                   "likewise.",
                   8, &L::http2_max_control_frames),
       limit_time("http2-flood-interval", "For --http2-max-resets and --http2-max-control-frames.",
                  &L::http2_flood_interval),
       limit_count("http2-max-continuations", "CONTINUATION frames of one HTTP/2 head; more close the connection.", 0,
                   &L::http2_max_continuations),
       limit_count("http2-upstream-max-concurrent-streams",
                   "Requests at once on one HTTP/2 connection to a service, if that allows as many.", 1,
                   &L::http2_upstream_max_concurrent_streams),
       limit_count("http2-max-upstream-connections", "HTTP/2 connections to a service, per worker and endpoint.", 1,
                   &L::http2_max_upstream_connections),
       limit_count("http2-max-upstream-waiting",
                   "Requests that wait for room on these, per worker and endpoint; more are answered 504.", 1,
                   &L::http2_max_upstream_waiting),
       limit_time(
           "http2-upstream-ping-interval",
           "Silence of an HTTP/2 connection to a service on which requests wait, before a PING. gRPC servers take "
           "more than one in 5 minutes for a flood.",
           &L::http2_upstream_ping_interval),
       limit_time("http2-upstream-ping-timeout", "For the answer to it; then the connection is given up.",
                  &L::http2_upstream_ping_timeout),
       limit_time("header-timeout", "From the first byte of a request to the end of its head: 408.",
                  &L::header_timeout),
       limit_time("body-timeout", "Between two reads of a request body: 408.", &L::body_timeout),
       limit_time("idle-timeout", "Between two requests of a client connection; then it is closed.", &L::idle_timeout),
       limit_time("client-send-timeout", "Between two writes to a client; then the connection is closed.",
                  &L::client_send_timeout),
       limit_time("tls-handshake-timeout", "For a TLS handshake with a client.", &L::tls_handshake_timeout),
       limit_time("proxy-header-timeout", "For a PROXY header to arrive.", &L::proxy_header_timeout),
       limit_time("upstream-idle-timeout", "For which an idle connection to a service is kept.",
                  &L::upstream_idle_timeout),
       limit_time("lingering-close", "For which the rest of a request is read and thrown away after an early answer.",
                  &L::lingering_close, true)});
}

}  // namespace fairlead

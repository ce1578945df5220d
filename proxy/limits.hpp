#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace fairlead {

// Every bound of the data plane, by name. Each has a flag of the same name with '-' for '_' (options_limit_flags.cpp),
// a documented default, and an answer or an action when it is hit.
struct Limits {
  std::size_t max_request_line_bytes = 8 * 1024;    // 414
  std::size_t max_request_head_bytes = 32 * 1024;   // 431; request line and header block
  std::size_t max_header_count = 128;               // 431 (requests), 502 (responses)
  std::size_t max_response_head_bytes = 32 * 1024;  // 502, and the log names the limit
  std::size_t max_chunk_extension_bytes = 1024;     // per chunk: 400, or the upstream connection is closed
  std::size_t max_trailer_bytes = 8 * 1024;         // 400, or the upstream connection is closed
  std::size_t max_interim_responses = 16;           // 1xx in a row before the final one: 502
  std::size_t max_pipelined_bytes =
      64 * 1024;  // read ahead of the request being answered (at least one head); more stays in the socket
  std::uint32_t max_keepalive_requests = 10'000;  // per client connection, then Connection: close
  std::uint32_t max_connections = 65'536;         // clients of the whole process; more are closed at once and counted
  std::uint32_t max_idle_upstream_connections =
      320;  // per Worker and Endpoint (ingress-nginx: upstream-keepalive-connections)
  std::uint32_t max_upstream_requests = 10'000;     // per upstream connection, then it is closed
  std::size_t max_tunnel_buffer_bytes = 64 * 1024;  // unsent bytes held per direction
  std::uint32_t max_splice_pipes = 64;  // per Worker, for bodies that the kernel moves; further ones are copied

  std::uint32_t http2_max_concurrent_streams =
      128;  // per client connection; a client that knows and opens more loses it
  std::size_t http2_stream_window_bytes = 64 * 1024;  // of one request body, unread: the client is told
  std::size_t http2_max_unsent_bytes =
      1024 * 1024;  // of all responses of one connection that wait for the client: more stays at the services
  std::uint32_t http2_max_resets = 500;                    // streams of one connection that were reset early, …
  std::uint32_t http2_max_control_frames = 1'000;          // and frames that serve nobody, both within …
  std::chrono::milliseconds http2_flood_interval{10'000};  // this time: ENHANCE_YOUR_CALM
  std::uint32_t http2_max_continuations = 8;               // CONTINUATION frames of one head: ENHANCE_YOUR_CALM

  std::uint32_t http2_upstream_max_concurrent_streams = 128;  // per upstream connection, if that allows as many
  std::uint32_t http2_max_upstream_connections = 8;           // per Worker and Endpoint
  std::uint32_t http2_max_upstream_waiting = 1'000;           // requests per Worker and Endpoint without a stream: 504
  // Silence while requests are under way, before the upstream is asked for a sign of life. gRPC's servers take PINGs
  // that come more often than every 5 minutes for a flood.
  std::chrono::milliseconds http2_upstream_ping_interval{300'000};
  std::chrono::milliseconds http2_upstream_ping_timeout{10'000};  // for its answer: the connection is given up

  std::chrono::milliseconds header_timeout{60'000};  // from the first byte of a request to the end of its head: 408
  std::chrono::milliseconds body_timeout{60'000};    // between two reads of a request body: 408
  std::chrono::milliseconds idle_timeout{75'000};    // between two requests of a client connection
  std::chrono::milliseconds client_send_timeout{60'000};  // between two writes to a client
  std::chrono::milliseconds tls_handshake_timeout{15'000};
  std::chrono::milliseconds proxy_header_timeout{5'000};
  std::chrono::milliseconds upstream_idle_timeout{60'000};  // an idle pooled connection is closed after this
  std::chrono::milliseconds lingering_close{
      2'000};  // how long unread request bytes are thrown away after an early answer

  bool operator==(const Limits&) const = default;
};

}  // namespace fairlead

#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "router/base/ip_address.hpp"
#include "router/config.hpp"
#include "router/grpc.hpp"
#include "router/head.hpp"

namespace fairlead {

// One attempt at an Endpoint. Times are since the attempt began; negative = did not happen.
struct AttemptRecord {
  Endpoint endpoint;
  int status = 0;                              // what the upstream answered, or the 502/504 that the attempt stands for
  std::uint64_t response_bytes = 0;            // of the body
  std::chrono::microseconds connect_time{-1};  // 0 for a reused connection
  std::chrono::microseconds header_time{-1};
  std::chrono::microseconds response_time{-1};
};

// The facts of one finished Exchange but for its attempts.
struct ExchangeFacts {
  IpAddress client;
  std::uint16_t client_port = 0;
  std::string_view remote_user;
  std::string_view method;  // "" when no request line could be read
  Method known_method = Method::other;
  std::string_view target;       // as received
  std::string_view normal_path;  // "" when there is none
  std::string_view host;         // canonical, "" when there is none
  std::uint8_t http_major = 1;
  std::uint8_t http_minor = 1;
  bool https = false;
  int status = 0;                         // sent to the client; 499 when it went away, or was cut off, first
  bool grpc = false;                      // the request is of gRPC
  std::optional<GrpcStatus> grpc_status;  // sent to the client, ours or the service's; none if it came to that never
  std::uint64_t body_bytes_sent = 0;
  std::uint64_t bytes_sent = 0;      // head included
  std::uint64_t request_length = 0;  // head and body, as received
  std::string_view referer;
  std::string_view user_agent;
  std::string_view request_id;
  std::chrono::system_clock::time_point when;  // the end of the Exchange
  std::chrono::microseconds request_time{0};   // from the first byte of the request to the last of the response

  std::uint64_t generation = 0;    // of the Snapshot that path and route_host belong to
  const Path* path = nullptr;      // null before routing
  bool host_defined = false;       // the host is named in an Ingress (not the catch-all)
  std::string_view route_host;     // the Host's name that matched: "a.example.com", "*.example.com"; "" = the catch-all
  std::string_view upstream_name;  // "" = none
  std::string_view limit;          // the name of the limit that was hit, or ""
  std::uint32_t attempt_count = 0;
};

// The facts of one finished Exchange, for the access log and the metrics. Views are valid during the call only.
struct ExchangeRecord : ExchangeFacts {
  static constexpr std::size_t max_attempts = 8;  // later ones are counted, not described

  void reset() { static_cast<ExchangeFacts&>(*this) = {}; }

  std::array<AttemptRecord, max_attempts> attempts;  // the first attempt_count of them mean something
};

}  // namespace fairlead

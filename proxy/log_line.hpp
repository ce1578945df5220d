#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/exchange_record.hpp"

namespace fairlead {

// The texts of a second, made once a second: the clock's second changes far less often than lines are written.
class LogTime {
 public:
  // Valid until the next call. UTC, whatever the machine's zone: "24/Nov/2026:02:13:34 +0000".
  std::string_view local(std::chrono::system_clock::time_point when);
  // "2026-11-24T02:13:34+00:00"
  std::string_view iso8601(std::chrono::system_clock::time_point when);

 private:
  void make(std::chrono::system_clock::time_point when);

  std::int64_t second_ = -1;
  char local_[32]{};
  char iso8601_[32]{};
};

// Text being written into given memory. What does not fit is noticed, not written.
class LineWriter {
 public:
  // max_field_bytes: longer values of a request are cut there.
  LineWriter(char* begin, char* end, std::size_t max_field_bytes)
      : begin_(begin), at_(begin), end_(end), max_field_bytes_(max_field_bytes) {}

  bool overflowed() const { return overflowed_; }
  std::size_t size() const { return static_cast<std::size_t>(at_ - begin_); }

  void put(char c);
  void put(std::string_view text);
  void number(std::uint64_t value);
  void seconds(std::chrono::microseconds time);  // "0.123"
  void address(const IpAddress& address);
  void endpoint(const Endpoint& endpoint);    // "10.0.0.1:80", "[fd00::1]:80"
  void nginx_escaped(std::string_view text);  // \xHH for '"', '\' and what is not printable ASCII; "-" when empty
  void json_string(std::string_view text);    // with quotes; bytes that are not UTF-8 become U+FFFD

 private:
  std::string_view cut(std::string_view text) const { return text.substr(0, max_field_bytes_); }

  char* begin_;
  char* at_;
  char* end_;
  std::size_t max_field_bytes_;
  bool overflowed_ = false;
};

// ingress-nginx's default line:
//   $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"
//   $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr
//   $upstream_response_length $upstream_response_time $upstream_status $req_id
// with_grpc_status: " $grpc_status" behind it, "-" if there is none.
void write_upstreaminfo(LineWriter& out, const ExchangeRecord& record, LogTime& time, bool with_grpc_status = false);

// One JSON object with the keys time, remote_addr, remote_port, remote_user, host, method, uri, path (normalised),
// protocol, scheme, status, grpc_status (a number, when the request is of gRPC and was told one), body_bytes_sent,
// bytes_sent, request_length, request_time, referer, user_agent, request_id, namespace, ingress, service, service_port,
// ingress_path, upstream_name, limit (when one was hit), and upstreams: an array of {addr, status, response_length,
// connect_time, header_time, response_time}. Times are seconds, absent when they did not happen. Keys without a value
// are left out.
void write_json(LineWriter& out, const ExchangeRecord& record, LogTime& time);

}  // namespace fairlead

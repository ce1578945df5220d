#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/counter.hpp"
#include "proxy/exchange_record.hpp"
#include "proxy/log_line.hpp"
#include "router/base/result.hpp"

namespace fairlead {

enum class AccessLogFormat : std::uint8_t {
  upstreaminfo,       // ingress-nginx's default line
  upstreaminfo_grpc,  // the same, and behind it what a request of gRPC was told
  json,               // one object a line; keys in log_line.hpp
};

// Where access logs are written to: shared by all Workers, which only borrow the descriptor.
class AccessLogTarget {
 public:
  // "off", "-" (standard output) or the path of a file that is appended to.
  static Result<AccessLogTarget> open(const std::string& where);

  AccessLogTarget() = default;  // off
  AccessLogTarget(AccessLogTarget&& other) noexcept;
  AccessLogTarget& operator=(AccessLogTarget&& other) noexcept;
  ~AccessLogTarget();

  int fd() const { return fd_; }  // -1 = off

 private:
  explicit AccessLogTarget(int fd) : fd_(fd) {}
  int fd_ = -1;
};

// One Worker's access log. Lines are gathered in memory and written when 64 KB are full or on flush(), whole lines
// only. A target that does not take them never stalls the Worker: the lines wait in memory until that is full, then
// further ones are dropped and counted. Allocates nothing after construction.
class AccessLog {
 public:
  static constexpr std::size_t buffer_bytes = 64 * 1024;

  // fd: borrowed, see AccessLogTarget; -1 = write nothing. dropped: counts lines; must outlive this.
  AccessLog(int fd, AccessLogFormat format, Counter& dropped);
  ~AccessLog();  // flushes
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  bool on() const { return fd_ >= 0; }
  void write(const ExchangeRecord& record);
  void flush();  // a Worker calls it on a tick

 private:
  enum class Sink : std::uint8_t { file, pipe, socket };

  bool append(const ExchangeRecord& record, std::size_t max_field_bytes);
  std::size_t max_line_bytes() const;
  std::size_t next_piece(std::size_t from) const;
  void drop_front(std::size_t bytes);

  int fd_;
  AccessLogFormat format_;
  Sink sink_ = Sink::file;
  bool ask_first_ = false;  // a write could block: poll before it
  Counter& dropped_;
  std::unique_ptr<char[]> buffer_;
  std::size_t used_ = 0;
  LogTime time_;
};

}  // namespace fairlead

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "proxy/ready.hpp"
#include "proxy/snapshot.hpp"
#include "router/base/log.hpp"
#include "router/base/problem.hpp"
#include "router/base/result.hpp"

namespace fairlead {

struct AdminOptions {
  std::string host;  // address to listen on; "" = every one, IPv4 and IPv6
  std::uint16_t port = 10254;
  std::string health_check_path = "/healthz";

  std::size_t max_connections = 64;  // more wait in the kernel's queue
  std::size_t max_request_bytes = 8 * 1024;
  std::chrono::milliseconds request_timeout{10'000};  // to read a request, and to write its answer
  std::size_t max_listed = 1000;  // entries of one /routes or /problems page unless ?limit= says less
};

// Where the pages come from. Called on the admin thread.
struct AdminSources {
  const Ready* ready = nullptr;                               // must outlive Admin
  std::function<std::string()> metrics;                       // empty = /metrics is 404
  std::function<std::shared_ptr<const Problems>()> problems;  // may give null
  std::function<std::shared_ptr<const Snapshot>()> snapshot;  // may give null
};

// The operator's pages, on a thread of their own:
//   GET /healthz (health_check_path), /readyz, /metrics, /problems?namespace=, /routes?host=, /snapshot
class Admin {
 public:
  static Result<std::unique_ptr<Admin>> start(AdminOptions options, AdminSources sources, Log& log);

  virtual ~Admin() = default;  // stops and joins
  virtual std::uint16_t port() const = 0;
};

}  // namespace fairlead

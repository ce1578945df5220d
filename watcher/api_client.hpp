#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "router/base/result.hpp"
#include "watcher/api_config.hpp"
#include "watcher/api_request.hpp"

namespace fairlead {

// Whom a request answers to, as chosen by who starts it. No two requests that run at the same time have the same.
using RequestId = std::uint64_t;

// What came back. Called inside ApiClient::run only.
class ApiListener {
 public:
  virtual ~ApiListener() = default;
  virtual void on_head(RequestId id, int status) = 0;
  virtual bool on_bytes(RequestId id, std::string_view bytes) = 0;  // false: end the request; on_end follows
  virtual void on_end(RequestId id, const ApiEnding& ending) = 0;
};

// Sends requests to one API server, many at once; those that share do it over HTTP/2 where the server speaks it. Of one
// thread, save wake().
class ApiClient {
 public:
  static Result<std::unique_ptr<ApiClient>> create(const ApiConfig& config);

  virtual ~ApiClient() = default;

  virtual void start(RequestId id, const ApiRequest& request) = 0;
  virtual void cancel(RequestId id) = 0;  // nothing is said about it any more; not from inside a listener

  // Moves what can be moved, waiting for up to `wait` for something to move.
  virtual void run(std::chrono::milliseconds wait, ApiListener& listener) = 0;

  // Ends a waiting run, or the next one. From any thread.
  virtual void wake() = 0;
};

}  // namespace fairlead

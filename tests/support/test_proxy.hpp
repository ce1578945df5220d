#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/options.hpp"
#include "proxy/publisher.hpp"
#include "proxy/workers.hpp"
#include "tests/support/origin.hpp"
#include "tests/support/raw_socket.hpp"

namespace fairlead::test {

// Keeps what the program logs.
class KeptLog final : public Log {
 public:
  void write(LogLevel level, std::string_view message) override;
  bool enabled(LogLevel) const override { return true; }
  std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

// The data plane in this process, on ports that the system chose, with a Config that the test makes.
//
//   TestProxy proxy;
//   proxy.options.limits.max_header_count = 8;
//   proxy.route("a.test", "/", {origin.port()});
//   proxy.start();
class TestProxy {
 public:
  TestProxy();  // one Worker, no access log
  ~TestProxy();

  Options options;  // to be changed before start()

  // A prefix path that leads to these ports of 127.0.0.1, in a new Upstream; the last call for a host and path wins.
  // change: the Path, its Route and its Upstream as the test wants them. Takes effect with start() or publish().
  struct Routed {
    Path path;    // without its Route
    Route route;  // its own
    Upstream upstream;
    Host host;  // its paths are ignored: flags and names only
  };
  void route(
      const std::string& host, const std::string& path, const std::vector<std::uint16_t>& ports,
      const std::function<void(Routed&)>& change = [](Routed&) {});
  void remove_host(const std::string& host);
  void tls(const std::string& host, std::shared_ptr<const TlsHost> certificates);

  void start();    // with what was routed so far; returns once every Worker serves it
  void publish();  // likewise

  std::uint16_t http_port() const { return workers->http_port(); }
  std::uint16_t https_port() const { return workers->https_port(); }
  RawSocket connect() const { return RawSocket::connect(http_port()); }
  // One request over a fresh connection; Host is added. request: "GET /path" or a method and target with whole field
  // lines and body behind "\r\n".
  RawResponse get(const std::string& host, const std::string& path = "/", const std::string& fields = "");

  // Of all Workers.
  std::uint64_t counter(Counter WorkerCounters::*which) const;
  std::uint64_t limit_hits(std::string_view name) const;
  // Waits until the condition holds; false when it did not within RawSocket::patience.
  static bool eventually(const std::function<bool()>& condition);

  KeptLog log;
  Config config;
  Problems problems;  // that are published with it
  std::unique_ptr<Workers> workers;
  std::unique_ptr<Publisher> publisher;

 private:
  Config published_;
  std::uint64_t generation_ = 0;
};

}  // namespace fairlead::test

// A load generator for what h2load does not do: an open loop with latencies from when a request was due, a connection a
// request, TLS handshakes full and resumed, chunked uploads, WebSocket messages, and connections that are left alone.
// One thread, edge-triggered epoll. Prints one line of JSON.
#include <sys/epoll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <deque>
#include <memory>
#include <vector>

#include "tests/bench/programs/client.hpp"
#include "tests/bench/programs/requests.hpp"

namespace fairlead::bench {
namespace {

struct Options {
  RequestOptions request;
  std::uint16_t port = 0;
  bool tls = false;
  bool resume = false;
  bool idle = false;
  std::size_t connections = 50;
  std::uint64_t requests = 1000;
  double rate = 0;  // requests a second; 0: as fast as they are answered
};

constexpr std::chrono::seconds no_progress{30};  // then the run has failed

int keep_session(SSL* connection, SSL_SESSION* session) {
  SSL_CTX* const context = SSL_get_SSL_CTX(connection);
  if (auto* const before = static_cast<SSL_SESSION*>(SSL_CTX_get_app_data(context))) SSL_SESSION_free(before);
  SSL_CTX_set_app_data(context, session);
  return 1;  // it is ours now
}

SSL_CTX* make_tls() {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

class Load final : public ClientOwner {
 public:
  explicit Load(const Options& options) : options_(options), set_(::epoll_create1(0)) {
    job_.port = options.port;
    job_.tls = options.tls ? make_tls() : nullptr;
    job_.host = options.request.host;
    job_.one_request_a_connection = options.request.close;
    job_.resume = options.resume;
    job_.request = request_text(options.request);
    if (options.request.websocket) {
      job_.upgrade = upgrade_text(options.request);
      job_.request = client_message(options.request.upload);
      job_.echo = server_message(options.request.upload);
    }
    latencies_.reserve(options.requests);
  }

  // Returns the exit code.
  int run() {
    open_all();
    if (options_.idle) return rest();
    go();
    while (done() < options_.requests && !stuck()) turn();
    finished_ = Clock::now();
    if (options_.request.close) settle();
    print();
    return 0;
  }

  void ready(Client& client) override {
    if (!going_) {
      waiting_.push_back(&client);
    } else if (options_.rate > 0) {
      waiting_.push_back(&client);
      serve_due(Clock::now());
    } else if (begun_ < options_.requests) {
      begin(client, Clock::now());
    }
  }

  void ended(Client& client) override {
    latencies_.push_back(std::chrono::duration<double, std::micro>(Clock::now() - client.due).count());
  }

  bool may_open() override { return !options_.request.close || opened_++ < options_.requests; }

 private:
  std::uint64_t done() const { return tally_.good + tally_.errors; }

  // All connections stand before the clock starts, unless connecting is what is measured.
  void open_all() {
    const bool one_by_one = !options_.request.close;
    if (!one_by_one) going_ = true, started_ = Clock::now();
    for (std::size_t i = 0; i < options_.connections; ++i) {
      Client& client = *clients_.emplace_back(std::make_unique<Client>(set_, job_, tally_, *this));
      client.open();
      while (one_by_one && waiting_.size() <= i && tally_.errors == 0 && !stuck()) turn();
    }
  }

  void go() {
    if (going_) return;
    started_ = Clock::now();
    going_ = true;
    if (options_.rate > 0) return;
    for (Client* client : std::exchange(waiting_, {})) ready(*client);
  }

  void begin(Client& client, Clock::time_point due) {
    ++begun_;
    client.due = due;
    client.begin();
  }

  Clock::time_point due_at(std::uint64_t number) const {
    return started_ +
           std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 * static_cast<double>(number) / options_.rate));
  }

  // Open loop: what is due goes out on the connection that has been idle for longest, or waits for one; its latency
  // counts from when it was due.
  void serve_due(Clock::time_point now) {
    while (begun_ < options_.requests && !waiting_.empty() && due_at(begun_) <= now) {
      Client& client = *waiting_.front();
      waiting_.pop_front();
      if (client.idle()) begin(client, due_at(begun_));
    }
  }

  void turn() {
    timespec wait{1, 0};
    if (going_ && options_.rate > 0) {
      const auto now = Clock::now();
      serve_due(now);
      if (begun_ < options_.requests && !waiting_.empty()) {
        const auto left = std::max<std::int64_t>(0, (due_at(begun_) - now).count());
        wait = {left / 1'000'000'000, left % 1'000'000'000};
      }
    }
    epoll_event events[256];
    const int count = ::epoll_pwait2(set_, events, 256, &wait, nullptr);
    if (count > 0) heard_ = Clock::now();
    for (int i = 0; i < count; ++i) static_cast<Client*>(events[i].data.ptr)->on_ready();
  }

  bool stuck() const { return Clock::now() - heard_ > no_progress; }

  // Until the other side has closed what it was asked to close.
  void settle() {
    const auto all_rest = [this] {
      return std::all_of(clients_.begin(), clients_.end(), [](const auto& client) { return client->resting(); });
    };
    while (!all_rest() && !stuck()) turn();
  }

  // One exchange on each connection, then nothing until standard input ends.
  int rest() {
    for (Client* client : std::exchange(waiting_, {})) {
      begin(*client, Clock::now());
      while (!client->idle() && tally_.errors == 0 && !stuck()) turn();
    }
    std::puts("ready");
    std::fflush(stdout);
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) continue;
    epoll_event events[256];
    for (int count = 1; count > 0;) {
      count = ::epoll_wait(set_, events, 256, 0);
      for (int i = 0; i < count; ++i) static_cast<Client*>(events[i].data.ptr)->on_ready();
    }
    print();
    return 0;
  }

  // Nearest rank: the latency that this share of them does not exceed.
  double at(double share) const {
    if (latencies_.empty()) return 0;
    const double rank = std::ceil(share * static_cast<double>(latencies_.size()));
    return latencies_[static_cast<std::size_t>(std::max(1.0, rank)) - 1];
  }

  void print() {
    std::sort(latencies_.begin(), latencies_.end());
    std::printf(
        "{\"good\": %lu, \"errors\": %lu, \"closed\": %lu, \"resumed\": %lu, \"connected\": %lu, \"body_bytes\": %lu, "
        "\"seconds\": %.6f, \"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f}\n",
        tally_.good, tally_.errors, tally_.closed, tally_.resumed, tally_.connected, tally_.body_bytes,
        std::chrono::duration<double>(finished_ - started_).count(), at(0.5), at(0.9), at(0.99), at(0.999));
  }

  const Options options_;
  const int set_;
  Job job_;
  Tally tally_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::deque<Client*> waiting_;
  std::vector<double> latencies_;  // µs
  std::uint64_t begun_ = 0;
  std::uint64_t opened_ = 0;
  bool going_ = false;
  Clock::time_point started_ = Clock::now();
  Clock::time_point finished_ = started_;
  Clock::time_point heard_ = started_;
};

}  // namespace
}  // namespace fairlead::bench

int main(int argc, char** argv) {
  fairlead::bench::Options options;
  CLI::App app("A load generator. 127.0.0.1 only.");
  app.add_option("--port", options.port)->required();
  app.add_option("--host", options.request.host);
  app.add_option("--path", options.request.path);
  app.add_option("--connections", options.connections);
  app.add_option("--requests", options.requests, "exchanges in all");
  app.add_option("--rate", options.rate, "a second, open loop; 0: as fast as they are answered");
  app.add_option("--upload", options.request.upload, "bytes of each request's body, or of each WebSocket message");
  app.add_flag("--chunked", options.request.chunked, "the body is sent in chunks");
  app.add_flag("--close", options.request.close, "a connection a request");
  app.add_flag("--tls", options.tls, "TLS 1.3");
  app.add_flag("--resume", options.resume, "TLS sessions");
  app.add_flag("--websocket", options.request.websocket, "messages instead of requests");
  app.add_flag("--idle", options.idle, "one request a connection, then wait until standard input ends");
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  return fairlead::bench::Load(options).run();
}

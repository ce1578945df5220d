#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/raw_socket.hpp"

namespace fairlead::test {

class Asked;

// A server on 127.0.0.1 that does with each connection what the test says, on a thread of its own per connection.
class Origin {
 public:
  using Handler = std::function<void(RawSocket& connection)>;

  explicit Origin(Handler handler);
  // Answers every request with what `answer` makes of it (whole bytes of a response), and keeps connections alive.
  static Handler answering(std::function<std::string(const RawRequest&)> answer);
  // 200 with this body.
  static Handler saying(std::string body);
  // 200, and keeps the requests.
  static Handler keeping(Asked& asked);
  ~Origin();
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;

  std::uint16_t port() const { return port_; }
  int connections() const { return connections_.load(); }
  void stop();  // closes the listener and every connection, and waits for the handlers

 private:
  struct Served {
    std::atomic<int> fd{-1};
    std::thread thread;
  };

  void accept_all();

  Handler handler_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::list<Served> served_;
  std::thread thread_;
};

// What an origin was asked, kept for the test. Its Origin must be stopped before it ends.
class Asked {
 public:
  void add(RawRequest request);
  std::size_t count() const;
  // The request of that index, once it has come; an incomplete one when it does not within RawSocket::patience.
  RawRequest at(std::size_t index) const;
  RawRequest last() const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable came_;
  std::vector<RawRequest> requests_;
};

// "HTTP/1.1 200 OK" with Content-Length and this body. fields: whole lines.
std::string ok(std::string_view body, std::string_view fields = "");

// A port of 127.0.0.1 where nobody listens.
std::uint16_t closed_port();

}  // namespace fairlead::test

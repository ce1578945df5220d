#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace fairlead::bench {

// What a server on 127.0.0.1 answers to one request at a time, over one connection that is kept and made anew if need
// be.
class Probe {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Answer {
    int status = 0;  // 0: none
    std::string body;
    Time at{};  // its first byte
  };

  explicit Probe(std::uint16_t port) : port_(port) {}
  ~Probe();
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  Answer ask(const std::string& host, const std::string& path);

  // Asks again and again, with pauses of 0.2 ms, until the answer is right. Returns when its first byte came, or
  // nothing after `most`.
  std::optional<Time> until(const std::string& host, const std::string& path,
                            const std::function<bool(const Answer&)>& right,
                            std::chrono::seconds most = std::chrono::seconds(60));

 private:
  bool connect();
  void disconnect();

  const std::uint16_t port_;
  int socket_ = -1;
};

// Answers every request with the last number of the address that it was asked at, on a port of all of 127.0.0.0/8. A
// thread of its own, until the program ends.
void start_telling_origin(std::uint16_t port);

}  // namespace fairlead::bench

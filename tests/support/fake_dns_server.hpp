#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "router/base/ip_address.hpp"

namespace fairlead::test {

// A DNS server for A, AAAA and CNAME records, over UDP and TCP on the same port of 127.0.0.1, on a thread of its own.
// Names are given in lower case and without a dot at their end. Behaves well until it is told not to. Safe from any
// thread.
class FakeDnsServer {
 public:
  FakeDnsServer();
  ~FakeDnsServer();
  FakeDnsServer(const FakeDnsServer&) = delete;
  FakeDnsServer& operator=(const FakeDnsServer&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  // All that the name has from now on; ttl in seconds. With no addresses it exists, and has none.
  void put(const std::string& name, const std::vector<std::string>& addresses, std::uint32_t ttl = 60);
  void put_alias(const std::string& name, const std::string& target, std::uint32_t ttl = 60);
  void remove(const std::string& name);  // NXDOMAIN, as of every name that was never put

  enum class Fault {
    none,
    silent,          // no answer at all
    server_failure,  // SERVFAIL
    truncated,       // over UDP nothing but the request to come back over TCP
  };
  void suffer(Fault fault);

  // What was asked so far, in order: "A a.test", "AAAA a.test", "A a.test over TCP".
  std::vector<std::string> questions() const;
  // Until so many questions were asked; false when they did not come.
  bool wait_for(const std::string& question, std::size_t count) const;

 private:
  struct Records {
    std::vector<IpAddress> addresses;
    std::string alias;
    std::uint32_t ttl = 0;
  };

  void run();
  void serve_udp();
  void serve_tcp();
  std::string answer(const std::string& query, bool over_tcp);  // "" = none
  std::string answers_for(const std::string& name, std::uint16_t type, std::uint16_t& count, bool& exists) const;

  int udp_ = -1;
  int tcp_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  mutable std::condition_variable asked_;
  std::map<std::string, Records> records_;
  Fault fault_ = Fault::none;
  std::vector<std::string> questions_;
  std::thread thread_;
};

}  // namespace fairlead::test

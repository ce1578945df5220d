#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace fairlead::bench {

// Lists in pages and watches of four kinds, over plain HTTP on 127.0.0.1: enough of an API server to be read by
// Fairlead, fast enough for 100,000 objects. Objects are kept as text. A thread a connection. It lives until the
// program ends.
class ApiServer {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit ApiServer(std::uint16_t port);

  // An object that exists from now on, or exists anew. `object` is JSON without a resourceVersion. Returns when the
  // event has been handed to every watch: the time just before that.
  Time put(const std::string& plural, const std::string& name, const std::string& object);

  // When the last page of a list was sent, of whatever kind.
  Time listed_at() const;

  // Until a watch of each kind stands.
  bool wait_watched(std::chrono::seconds most) const;

 private:
  struct Event {
    std::uint64_t version;
    std::string line;
  };
  struct Collection {
    std::map<std::string, std::string> objects;
    std::vector<Event> events;
    std::vector<int> watches;  // sockets
  };

  void accept_all(int listener);
  void serve(int socket);
  bool answer(int socket, const std::string& target);
  void list(int socket, Collection& collection, const std::string& target);
  void stream_list(int socket, const Collection& collection);  // with mutex_ held
  void watch(int socket, Collection& collection, const std::string& target);
  Collection* collection_of(const std::string& target);

  mutable std::mutex mutex_;
  mutable std::condition_variable watched_;  // one more watch was opened
  std::uint64_t version_ = 1000;
  Time listed_at_{};
  std::map<std::string, Collection> collections_;
};

}  // namespace fairlead::bench

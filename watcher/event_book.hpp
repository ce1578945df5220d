#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "watcher/api_request.hpp"
#include "watcher/back_off.hpp"
#include "watcher/source.hpp"
#include "watcher/token_bucket.hpp"

namespace fairlead {

// What users see with "kubectl describe ingress".
struct EventNote {
  ObjectName ingress;
  std::string uid;
  std::string resource_version;
  bool warning = false;
  std::string reason;  // "Sync", "Rejected", …
  std::string message;
};

// The paces and limits of writing Events. Those of one object as in client-go.
struct EventLimits {
  double writes_per_second = 20;
  double burst = 100;
  double object_burst = 25;
  double object_per_second = 1.0 / 300;
  std::size_t max_queued = 1000;         // more are dropped, and counted
  std::size_t max_remembered = 4096;     // to tell a repetition from something new
  std::size_t max_message_bytes = 1024;  // the API server refuses longer ones
  std::chrono::milliseconds write_timeout{10'000};
  BackOffLimits back_off{std::chrono::milliseconds(1'000), std::chrono::milliseconds(60'000)};
  unsigned max_tries = 3;  // for one Event: it is no great loss
};

// Which Event to write when: the same once more is a count on the Event that is there; one object cannot flood; nothing
// is waited for that cannot be written. A state machine without I/O or clock. One write at a time.
class EventBook {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using WallTime = std::chrono::system_clock::time_point;

  // component, instance: who reports ("fairlead", the pod).
  EventBook(std::string component, std::string instance, const EventLimits& limits, std::uint32_t seed)
      : component_(std::move(component)),
        instance_(std::move(instance)),
        limits_(limits),
        bucket_(limits.writes_per_second, limits.burst),
        back_off_(limits.back_off, seed) {}

  void add(EventNote note, Time now);
  // Another replica reports: what waits is not ours to tell.
  void drop_queued();

  std::optional<ApiRequest> next(Time now, WallTime wall);
  void on_answer(const ApiAnswer& answer, Time now);
  Time wake_at(Time now);

  std::uint64_t written() const { return written_; }
  std::uint64_t dropped() const { return dropped_; }
  std::size_t queued() const { return queue_.size(); }
  std::size_t remembered() const { return memory_.size(); }
  const std::string& trouble() const { return trouble_; }  // why none can be written; "" = they can

 private:
  // An Event that was written or waits to be.
  struct Remembered {
    EventNote note;
    std::string key;
    std::string name;    // of the Event object; "" = not there
    std::string first;   // its firstTimestamp
    unsigned count = 0;  // as written
    unsigned more = 0;   // times since
    bool queued = false;
  };
  using Memory = std::list<Remembered>;  // the newest in front

  bool allowed(const std::string& uid, Time now);
  Memory::iterator remember(EventNote note, std::string key);
  ApiRequest create_request(Remembered& event, WallTime wall);
  ApiRequest count_request(const Remembered& event, WallTime wall) const;
  void leave_queue(bool again);

  const std::string component_;
  const std::string instance_;
  const EventLimits limits_;
  TokenBucket bucket_;
  BackOff back_off_;
  Memory memory_;
  std::unordered_map<std::string, Memory::iterator> by_key_;
  std::unordered_map<std::string, TokenBucket> objects_;  // by uid
  std::deque<Memory::iterator> queue_;
  bool running_ = false;  // about the front of the queue
  unsigned told_ = 0;     // how many times of it
  std::string new_name_;  // of its Event object, if that is being created
  unsigned tries_ = 0;
  Time pause_until_{};
  std::uint64_t serial_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t dropped_ = 0;
  std::string trouble_;
};

}  // namespace fairlead

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "watcher/address_finder.hpp"
#include "watcher/event_book.hpp"
#include "watcher/leader_lease.hpp"
#include "watcher/status_book.hpp"

namespace fairlead {

// What is written back to Kubernetes, and by whom.
struct ReportOptions {
  bool elect = true;          // false: we lead, whatever others do
  bool update_status = true;  // of Ingresses
  bool withdraw_on_stop = true;
  bool sync_events = true;     // "Scheduled for sync", for each change
  bool problem_events = true;  // what is wrong
  LeaseOptions lease;
  AddressOptions addresses;
  StatusLimits status;
  EventLimits events;
  std::string component = "fairlead";
};

// What the control loop has to tell, in order.
struct ReportNews {
  struct Served {
    ObjectName ingress;
    bool served = false;
    std::uint64_t generation = 0;  // since when
  };
  bool all_facts = false;                                                 // of every Ingress there is
  std::vector<std::pair<ObjectName, std::optional<IngressFacts>>> facts;  // nothing: it is gone
  std::vector<Served> served;
  Problems problems;  // new ones
};

// All that decides what is written back: election, addresses, status, Events, and the order of stopping. A state
// machine without I/O or clock.
class Report {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using WallTime = std::chrono::system_clock::time_point;
  enum class Errand { lease, status, event, address, own_pod, replicas };

  struct Call {
    Errand errand = Errand::lease;
    ObjectName ingress;  // of a status
    ApiRequest request;
  };

  Report(ReportOptions options, std::uint32_t seed);

  void hear(const ReportNews& news, Time now);
  void live(std::uint64_t generation) { status_.live(generation); }
  bool waits_for_generation() const { return leading_ && options_.update_status && status_.waits_for_generation(); }

  // What to watch from now on, besides what was said before.
  std::vector<Resource> take_resources() { return addresses_.take_resources(); }
  void hear(const std::string& plural, const Change& change, Time now);

  // All that is to be asked for now. Notices as well that we lead, or no longer do.
  std::vector<Call> due(Time now, WallTime wall);
  void on_answer(const Call& call, const ApiAnswer& answer, Time now);
  // We do not lead any more: what is under way of status and Events is to be dropped. True once for each loss.
  bool take_lost() { return std::exchange(lost_, false); }
  Time wake_at(Time now);

  // Removes what nobody else will keep true, gives the leadership back, and is finished.
  void stop() { stopping_ = true; }
  bool finished() const { return stage_ == Stage::finished; }

  bool leading() const { return leading_; }
  const LeaderLease& lease() const { return lease_; }
  const StatusBook& status() const { return status_; }
  const EventBook& events() const { return events_; }
  const AddressFinder& addresses() const { return addresses_; }
  const std::optional<PublishedAddresses>& published() const { return published_; }

 private:
  // One after the other once it stops, each as far as it applies.
  enum class Stage { running, find_own_pod, count_replicas, withdraw, release, finished };

  void follow_leadership(Time now);
  void add_sync_event(const ReportNews::Served& served, Time now);
  void add_problem_event(const Problem& problem, Time now);
  void add_event(const ObjectName& ingress, bool warning, std::string reason, std::string message, Time now);
  void begin_stop();
  void advance_stop(std::vector<Call>& calls, Time now);
  void add_calls(std::vector<Call>& calls, Time now, WallTime wall);
  void on_replicas(const ApiAnswer& answer);

  const ReportOptions options_;
  LeaderLease lease_;
  AddressFinder addresses_;
  StatusBook status_;
  EventBook events_;
  std::optional<PublishedAddresses> published_;
  bool leading_ = false;
  bool lost_ = false;
  bool stopping_ = false;
  bool asked_ = false;  // in this stage
  Stage stage_ = Stage::running;
  std::string selector_;
};

}  // namespace fairlead

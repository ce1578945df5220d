#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "watcher/api_request.hpp"
#include "watcher/back_off.hpp"
#include "watcher/cluster_state.hpp"
#include "watcher/packed.hpp"
#include "watcher/published_address.hpp"
#include "watcher/shared.hpp"
#include "watcher/token_bucket.hpp"

namespace fairlead {

// The paces and limits of writing the status of Ingresses.
struct StatusLimits {
  double writes_per_second = 100;
  double burst = 100;
  std::size_t max_in_flight = 8;
  std::chrono::milliseconds write_timeout{10'000};
  std::size_t max_forbidden =
      8;  // so many that are forbidden are themselves the cause (an admission webhook); more: we
  BackOffLimits back_off{std::chrono::milliseconds(500), std::chrono::milliseconds(60'000)};
  // Somebody else writes other addresses: twice as patient each time, so that two controllers never race.
  std::chrono::milliseconds overwritten_first{1'000};
  std::chrono::milliseconds overwritten_most{600'000};
};

// What was last heard of an Ingress besides what it asks for.
struct IngressFacts {
  std::string uid;
  std::string resource_version;
  PublishedAddresses addresses;  // in its status
};

// Which Ingress needs which addresses written, and when: an Ingress that is served, by every Worker, and whose status
// says something else. A state machine without I/O or clock; what is right already costs nothing.
class StatusBook {
 public:
  using Time = std::chrono::steady_clock::time_point;

  StatusBook(const StatusLimits& limits, std::uint32_t seed)
      : limits_(limits), bucket_(limits.writes_per_second, limits.burst), back_off_(limits.back_off, seed) {}

  void hear(const ObjectName& name, IngressFacts facts, Time now);
  void forget(const ObjectName& name);
  std::vector<ObjectName> names() const;
  std::optional<IngressFacts> facts(const ObjectName& name) const;

  // Ours, and what it asks for is served from this generation on.
  void serve(const ObjectName& name, std::uint64_t generation);
  void do_not_serve(const ObjectName& name);
  // Every Worker has this generation.
  void live(std::uint64_t generation);
  bool waits_for_generation() const { return !waiting_.empty(); }

  void want(PublishedAddresses addresses);
  // From now on: that no Ingress has what was wanted before; what others wrote stays.
  void withdraw();

  // The write to make now. To be asked by a leader only.
  std::optional<std::pair<ObjectName, ApiRequest>> next(Time now);
  void on_answer(const ObjectName& name, const ApiAnswer& answer, Time now);

  Time wake_at(Time now);
  std::size_t pending() const { return due_.size() + later_.size() + in_flight_; }  // about
  std::uint64_t written() const { return written_; }
  std::uint64_t failed() const { return failed_; }
  const std::string& trouble() const { return trouble_; }  // why nothing can be written; "" = it can

 private:
  // There is one of each Ingress.
  class Entry {
   public:
    void hear(const IngressFacts& facts);
    bool heard() const { return static_cast<bool>(version_); }
    // Nothing while !heard().
    std::string_view uid() const { return version_.view().substr(0, uid_size()); }
    std::string_view resource_version() const { return version_.view().substr(std::min(uid_size() + 1, size())); }

    Shared<PublishedAddresses> addresses;  // in its status; most say the same
    std::optional<std::uint64_t> served_from;
    bool in_flight = false;
    bool was_written = false;      // by us, as wanted now
    bool refused = false;          // the last write was; an other version may change that
    std::uint8_t overwritten = 0;  // times in a row
    std::uint8_t failures = 0;     // in a row
    Time not_before{};
    Time written_at{};

   private:
    std::size_t size() const { return version_.view().size(); }
    std::size_t uid_size() const { return std::min(version_.view().find('\n'), size()); }

    PackedBytes version_;  // the uid, a line feed, the resourceVersion
  };

  bool needs_write(const Entry& entry) const;
  void note_facts(Entry& entry, IngressFacts facts);
  void consider(const ObjectName& name, const Entry& entry);
  void consider_all();
  void note_overwritten(Entry& entry, Time now) const;
  void on_success(const ObjectName& name, Entry& entry, const ApiAnswer& answer, Time now);
  ApiRequest request_for(const ObjectName& name, const Entry& entry) const;
  void on_refusal(const ObjectName& name, Entry& entry, const ApiAnswer& answer, Time now);
  bool concerns_all(const ObjectName& name, const ApiAnswer& answer);

  const StatusLimits limits_;
  TokenBucket bucket_;
  BackOff back_off_;
  std::optional<PublishedAddresses> wanted_;
  Shared<PublishedAddresses> last_addresses_;  // that were heard: each Ingress shares those of the one before
  bool withdrawing_ = false;
  std::uint64_t live_ = 0;
  std::unordered_map<ObjectName, Entry, ObjectNameHash> entries_;

  // Each is looked at again when its turn comes: it may be right by then, or gone.
  std::set<ObjectName> due_;
  std::set<std::pair<Time, ObjectName>> later_;
  std::map<std::uint64_t, std::vector<ObjectName>> waiting_;  // by the generation they wait for

  std::set<ObjectName> forbidden_;  // since a write last succeeded, but no more than are told apart
  std::size_t in_flight_ = 0;
  Time pause_until_{};  // nothing can be written before
  std::string trouble_;
  std::uint64_t written_ = 0;
  std::uint64_t failed_ = 0;
};

}  // namespace fairlead

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "router/base/ip_address.hpp"
#include "watcher/back_off.hpp"
#include "watcher/source.hpp"

namespace fairlead {

struct NameLimits {
  std::size_t max_names = 1'000;
  std::size_t max_addresses = 64;                 // of a name; the lowest stay
  std::size_t max_in_flight = 32;                 // questions
  std::chrono::milliseconds min_ttl{2'000};       // an answer counts at least so long
  std::chrono::milliseconds max_ttl{300'000};     // and no longer than this
  std::chrono::milliseconds negative_ttl{5'000};  // that a name does not exist, or has no address
  BackOffLimits retry{std::chrono::milliseconds(1'000), std::chrono::milliseconds(30'000)};
};

enum class AddressFamily : std::uint8_t { v4, v6 };

// One question for DNS: the A or the AAAA records of a name.
struct NameQuestion {
  std::string name;  // fully qualified, without the dot at its end
  AddressFamily family = AddressFamily::v4;
  std::uint64_t id = 0;  // no two questions have the same
};

// How a question ended.
struct NameReply {
  enum class Type {
    addresses,   // at least one
    no_address,  // the name exists, but has none of this family
    no_name,     // NXDOMAIN
    failed,      // nobody who knows could be asked
  };
  Type type = Type::failed;
  std::vector<IpAddress> addresses;
  std::chrono::seconds ttl{0};  // the least of the records that led there
  std::string reason;           // of a failure
};

// Which names are wanted, when each is asked for, and what is known. Pure: time is an argument. A name's addresses of
// the preferred family are used, and those of the other only when it has none, as ingress-nginx does it (IPv4 first):
// dual-stack names would otherwise lead half of the requests to addresses that many clusters cannot reach.
class NameTable {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Serials = std::map<std::string, std::uint64_t>;

  NameTable(NameLimits limits, AddressFamily preferred, std::uint32_t seed);

  // These names and no others. What is known of a name is told again when its serial is another: whoever wants it has
  // forgotten it in between.
  void want(const Serials& names, Time now);

  // What is to be asked now, until there is nothing; each is under way until on_reply, whether it is still wanted or
  // not.
  std::optional<NameQuestion> next(Time now);
  void on_reply(const NameQuestion& question, NameReply reply, Time now);
  // When next() will have something; Time::max() when it depends on others.
  Time wake_at() const;

  // What is known that was not told yet.
  std::vector<std::pair<std::string, NameAnswer>> take_news();

 private:
  struct Entry {
    std::uint64_t serial = 0;
    AddressFamily family = AddressFamily::v4;  // to be asked for next
    BackOff back_off;
    std::uint64_t asked = 0;  // the question under way; 0 = none
    Time due{};               // when none is
    bool exists = true;       // as far as the preferred family tells
    std::optional<NameAnswer> answer{};
  };

  void admit(const Serials& names, Time now);
  void schedule(const std::string& name, Entry& entry, Time at);
  void take_addresses(const std::string& name, Entry& entry, NameReply& reply, Time now);
  void take_absence(const std::string& name, Entry& entry, NameReply::Type type, Time now);
  void take_failure(const std::string& name, Entry& entry, const std::string& reason, Time now);
  void set_answer(const std::string& name, Entry& entry, NameAnswer answer);
  AddressFamily other() const;

  NameLimits limits_;
  AddressFamily preferred_;
  std::uint32_t seed_;
  std::map<std::string, Entry> entries_;
  Serials turned_away_;  // there were too many
  std::set<std::pair<Time, std::string>> due_;
  std::map<std::string, NameAnswer> news_;
  std::size_t in_flight_ = 0;
  std::uint64_t last_id_ = 0;
};

}  // namespace fairlead

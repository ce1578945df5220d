#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "proxy/counter.hpp"
#include "proxy/exchange_record.hpp"
#include "router/grpc.hpp"
#include "router/route_table.hpp"

namespace fairlead {

struct RequestMetricsOptions {
  bool per_host = true;             // a "host" label
  bool per_undefined_host = false;  // also hosts that no Ingress names
  bool status_classes = false;      // "2xx" instead of "200"
  std::size_t max_series = 4'000;   // per Worker; requests beyond are counted in one series whose labels say "overflow"
};

// Counts of values up to each bound, in integers. One writer.
template <std::size_t BoundCount>
class Buckets {
 public:
  // bounds: ascending, in the unit of value.
  void observe(const std::array<std::uint64_t, BoundCount>& bounds, std::uint64_t value) {
    std::size_t i = 0;
    while (i < BoundCount && value > bounds[i]) ++i;
    counts_[i].add();
    sum_.add(value);
  }
  std::uint64_t count(std::size_t bucket) const { return counts_[bucket].value(); }  // not cumulative; last = beyond
  std::uint64_t sum() const { return sum_.value(); }

 private:
  std::array<Counter, BoundCount + 1> counts_;
  Counter sum_;
};

// ingress-nginx's buckets. Times in microseconds.
inline constexpr std::array<std::uint64_t, 11> time_bounds{5'000,   10'000,    25'000,    50'000,    100'000,   250'000,
                                                           500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000};
inline constexpr std::array<std::uint64_t, 10> length_bounds{10, 20, 30, 40, 50, 60, 70, 80, 90, 100};
inline constexpr std::array<std::uint64_t, 7> size_bounds{10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000};

// All that is counted under one set of labels.
struct RequestSeries {
  // The identity. Never changes once others can see the series.
  std::string host, path, ns, ingress, service, method, status;
  bool host_defined = true;

  Counter requests;
  // Those of gRPC by the status that they were told; the last one counts those that were told none.
  std::array<Counter, grpc_status_count + 1> grpc;
  Buckets<time_bounds.size()> request_duration, response_duration, header_duration, connect_duration;
  Buckets<length_bounds.size()> request_size, response_size;
  Buckets<size_bounds.size()> bytes_sent;
};

// Which hosts and Ingresses a RouteTable still serves: made once on some thread, then used by every Worker.
class LiveRoutes {
 public:
  explicit LiveRoutes(const RouteTable& routes);
  bool contains(const RequestSeries& series) const;

 private:
  std::unordered_set<std::string> hosts_;
  std::unordered_set<std::string> ingresses_;  // "ns/name"
};

// The request metrics of one Worker. record and retain belong to the Worker's thread; series() to any. A known series
// is found and updated without allocation and without a lock.
class RequestMetrics {
 public:
  explicit RequestMetrics(const RequestMetricsOptions& options);
  ~RequestMetrics();
  RequestMetrics(const RequestMetrics&) = delete;
  RequestMetrics& operator=(const RequestMetrics&) = delete;

  void record(const ExchangeRecord& record);
  // Drops the series of hosts and Ingresses that are gone. Costs a look-up a series: call it rarely, not at each swap.
  void retain(const LiveRoutes& live);

  using SeriesList = std::vector<std::shared_ptr<const RequestSeries>>;
  SeriesList series() const;
  std::uint64_t dropped() const { return dropped_.value(); }  // requests counted as "overflow"

 private:
  struct Key;
  struct Slot {
    std::uint64_t hash = 0;
    RequestSeries* series = nullptr;  // null = free
  };

  // What a request was found to belong to, by what its Snapshot is made of. Most requests are like one before.
  struct Recent {
    std::uint64_t generation = 0;
    const Path* path = nullptr;
    const char* route_host = nullptr;
    int status = 0;
    Method method = Method::other;
    RequestSeries* series = nullptr;  // null = free
  };
  static constexpr std::size_t recents = 256;

  Recent& recent_of(const ExchangeRecord& record);
  bool is_recent(const Recent& recent, const ExchangeRecord& record) const;
  Key key_of(const ExchangeRecord& record) const;
  RequestSeries& find_or_add(const Key& key);
  RequestSeries& add(const Key& key);
  RequestSeries& overflow();
  void rebuild_index();

  const RequestMetricsOptions options_;
  std::array<Recent, recents> recent_{};
  std::vector<Slot> index_;  // open addressing, a power of two; the Worker's alone
  std::shared_ptr<RequestSeries> overflow_;
  Counter dropped_;
  mutable std::mutex mutex_;  // guards all_ : taken for a new series, for retain and to scrape
  std::vector<std::shared_ptr<RequestSeries>> all_;
  std::size_t indexed_ = 0;  // how many of all_ the index holds
};

}  // namespace fairlead

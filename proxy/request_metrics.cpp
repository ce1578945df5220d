#include "proxy/request_metrics.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

namespace fairlead {
namespace {

constexpr std::size_t initial_index_size = 256;

// A client may make up methods: those that nobody knows share one label.
constexpr std::string_view known_methods[] = {"GET",     "HEAD",  "POST",  "PUT",      "DELETE",    "CONNECT",
                                              "OPTIONS", "TRACE", "PATCH", "PROPFIND", "PROPPATCH", "MKCOL",
                                              "COPY",    "MOVE",  "LOCK",  "UNLOCK"};

std::string_view method_label(std::string_view method) {
  for (const std::string_view known : known_methods) {
    if (method == known) return known;
  }
  return method.empty() ? "" : "OTHER";
}

std::uint64_t mixed(std::uint64_t hash, std::string_view text) {
  const std::uint64_t other = std::hash<std::string_view>{}(text);
  return (hash ^ other) * 0x9E3779B97F4A7C15u + (hash >> 29);
}

std::uint64_t as_count(std::chrono::microseconds time) {
  return static_cast<std::uint64_t>(time.count());
}

// One name for an Ingress in a set: neither part may hold a '/'.
std::string full_name(std::string_view ns, std::string_view ingress) {
  return std::string(ns) + '/' + std::string(ingress);
}

void observe(RequestSeries& series, const ExchangeRecord& record) {
  series.requests.add();
  if (record.grpc) {
    series.grpc[record.grpc_status ? static_cast<std::size_t>(*record.grpc_status) : grpc_status_count].add();
  }
  series.request_duration.observe(time_bounds, as_count(std::max(record.request_time, std::chrono::microseconds(0))));
  series.request_size.observe(length_bounds, record.request_length);
  series.response_size.observe(length_bounds, record.bytes_sent);
  series.bytes_sent.observe(size_bounds, record.bytes_sent);
  if (record.attempt_count == 0) return;
  // The attempt whose answer was used.
  const std::size_t last = std::min<std::size_t>(record.attempt_count, ExchangeRecord::max_attempts) - 1;
  const AttemptRecord& attempt = record.attempts[last];
  const auto observe_time = [](auto& buckets, std::chrono::microseconds time) {
    if (time.count() >= 0) buckets.observe(time_bounds, as_count(time));
  };
  observe_time(series.connect_duration, attempt.connect_time);
  observe_time(series.header_duration, attempt.header_time);
  observe_time(series.response_duration, attempt.response_time);
}

}  // namespace

LiveRoutes::LiveRoutes(const RouteTable& routes) {
  for (const auto& host : routes.hosts()) {
    hosts_.insert(host->name);
    for (const Path& path : host->paths) ingresses_.insert(full_name(path.route->ns, path.route->ingress));
  }
}

bool LiveRoutes::contains(const RequestSeries& series) const {
  if (series.host_defined && !series.host.empty() && !hosts_.contains(series.host)) return false;
  return series.ingress.empty() || ingresses_.contains(full_name(series.ns, series.ingress));
}

// The identity of the series that a request belongs to, in views.
struct RequestMetrics::Key {
  std::string_view host, path, ns, ingress, service, method;
  std::array<char, 12> status_text{};
  std::size_t status_size = 0;
  bool host_defined = true;
  std::uint64_t hash = 0;

  std::string_view status() const { return {status_text.data(), status_size}; }

  bool operator==(const RequestSeries& series) const {
    return status() == series.status && path == series.path && ingress == series.ingress && host == series.host &&
           ns == series.ns && service == series.service && method == series.method &&
           host_defined == series.host_defined;
  }
};

namespace {

// The index is rebuilt from the series alone, so both must hash alike.
template <class Identity>
std::uint64_t hash_of(const Identity& identity, std::string_view status) {
  std::uint64_t hash = identity.host_defined ? 1 : 2;
  for (const std::string_view part : {std::string_view(identity.host), std::string_view(identity.path),
                                      std::string_view(identity.ns), std::string_view(identity.ingress),
                                      std::string_view(identity.service), std::string_view(identity.method), status}) {
    hash = mixed(hash, part);
  }
  return hash ^ (hash >> 32);
}

}  // namespace

RequestMetrics::RequestMetrics(const RequestMetricsOptions& options) : options_(options), index_(initial_index_size) {}

RequestMetrics::~RequestMetrics() = default;

void RequestMetrics::record(const ExchangeRecord& record) {
  Recent& recent = recent_of(record);
  if (is_recent(recent, record)) return observe(*recent.series, record);
  RequestSeries& series = find_or_add(key_of(record));
  // What a client can make up is looked up by text, and the overflow is counted each time.
  const bool made_up = record.known_method == Method::other || !record.host_defined || !record.path;
  if (!made_up && &series != overflow_.get()) {
    recent = {record.generation, record.path, record.route_host.data(), record.status, record.known_method, &series};
  }
  observe(series, record);
}

RequestMetrics::Recent& RequestMetrics::recent_of(const ExchangeRecord& record) {
  const auto path = reinterpret_cast<std::uintptr_t>(record.path);
  const std::uint64_t mixed_bits = path / alignof(Path) + static_cast<std::uint64_t>(record.status) * 31 +
                                   static_cast<std::uint64_t>(record.known_method) * 7;
  return recent_[(mixed_bits * 0x9E3779B97F4A7C15u) >> 56];
}

bool RequestMetrics::is_recent(const Recent& recent, const ExchangeRecord& record) const {
  return recent.series && recent.path == record.path && recent.status == record.status &&
         recent.generation == record.generation && recent.method == record.known_method &&
         recent.route_host == record.route_host.data();
}

RequestMetrics::Key RequestMetrics::key_of(const ExchangeRecord& record) const {
  Key key;
  if (options_.per_host) {
    key.host_defined = record.host_defined;
    key.host = record.host_defined ? record.route_host : options_.per_undefined_host ? record.host : "_";
    if (key.host.empty()) key.host = "_";
  }
  if (record.path) {
    key.path = record.path->path;
    key.ns = record.path->route->ns;
    key.ingress = record.path->route->ingress;
    key.service = record.path->route->service;
  }
  key.method = method_label(record.method);
  char* const text = key.status_text.data();
  if (options_.status_classes && record.status >= 100 && record.status <= 999) {
    text[0] = static_cast<char>('0' + record.status / 100);
    text[1] = text[2] = 'x';
    key.status_size = 3;
  } else {
    key.status_size =
        static_cast<std::size_t>(std::to_chars(text, text + key.status_text.size(), record.status).ptr - text);
  }
  key.hash = hash_of(key, key.status());
  return key;
}

RequestSeries& RequestMetrics::find_or_add(const Key& key) {
  const std::size_t mask = index_.size() - 1;
  for (std::size_t at = key.hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = index_[at];
    if (!slot.series) return add(key);
    if (slot.hash == key.hash && key == *slot.series) return *slot.series;
  }
}

RequestSeries& RequestMetrics::add(const Key& key) {
  // Only this thread changes all_, so it may look without the lock.
  if (all_.size() - (overflow_ ? 1 : 0) >= options_.max_series) {
    dropped_.add();
    return overflow();
  }
  auto series = std::make_shared<RequestSeries>();
  series->host = key.host;
  series->path = key.path;
  series->ns = key.ns;
  series->ingress = key.ingress;
  series->service = key.service;
  series->method = key.method;
  series->status = key.status();
  series->host_defined = key.host_defined;
  {
    const std::lock_guard lock(mutex_);
    all_.push_back(series);
  }
  rebuild_index();
  return *series;
}

RequestSeries& RequestMetrics::overflow() {
  if (!overflow_) {
    overflow_ = std::make_shared<RequestSeries>();
    for (std::string RequestSeries::*label :
         {&RequestSeries::host, &RequestSeries::path, &RequestSeries::ns, &RequestSeries::ingress,
          &RequestSeries::service, &RequestSeries::method, &RequestSeries::status}) {
      (*overflow_).*label = "overflow";
    }
    if (!options_.per_host) overflow_->host.clear();
    const std::lock_guard lock(mutex_);
    all_.push_back(overflow_);
  }
  return *overflow_;
}

void RequestMetrics::retain(const LiveRoutes& live) {
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(all_, [&](const auto& series) { return series != overflow_ && !live.contains(*series); });
  }
  recent_ = {};
  indexed_ = 0;
  rebuild_index();
}

// Brings the index up to date with all_: puts in what was added, or everything when it must grow or indexed_ is 0.
void RequestMetrics::rebuild_index() {
  if (indexed_ == 0 || (all_.size() + 1) * 2 > index_.size()) {
    std::size_t size = initial_index_size;
    while (size < (all_.size() + 1) * 2) size *= 2;
    index_.assign(size, Slot{});
    indexed_ = 0;
  }
  const std::size_t mask = index_.size() - 1;
  for (; indexed_ < all_.size(); ++indexed_) {
    RequestSeries* const series = all_[indexed_].get();
    if (series == overflow_.get()) continue;  // found by no key
    const std::uint64_t hash = hash_of(*series, series->status);
    std::size_t at = hash & mask;
    while (index_[at].series) at = (at + 1) & mask;
    index_[at] = Slot{hash, series};
  }
}

RequestMetrics::SeriesList RequestMetrics::series() const {
  const std::lock_guard lock(mutex_);
  return {all_.begin(), all_.end()};
}

}  // namespace fairlead

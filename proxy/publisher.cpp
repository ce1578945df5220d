#include "proxy/publisher.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead {
namespace {

std::shared_ptr<const Problems> merge(const std::shared_ptr<const Problems>& configured, const Problems& certificates) {
  auto all = std::make_shared<Problems>(configured ? *configured : Problems{});
  all->insert(all->end(), certificates.begin(), certificates.end());
  std::sort(all->begin(), all->end());
  return all;
}

}  // namespace

Publisher::Publisher(Log& log, Publish publish)
    : log_(log),
      publish_(std::move(publish)),
      routes_(RouteTable::empty()),
      certificates_(CertificateStore::create()) {}

void Publisher::update(std::uint64_t generation, const ConfigDelta& delta,
                       const std::shared_ptr<const Problems>& problems) {
  if (!delta.empty()) routes_ = routes_->with(delta);
  if (!delta.tls_hosts.empty()) certificates_ = certificates_->with(delta.tls_hosts);
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->generation = generation;
  snapshot->routes = routes_;
  snapshot->certificates = certificates_;
  snapshot->published = std::chrono::system_clock::now();
  auto all = merge(problems, certificates_->problems());
  {
    const std::lock_guard lock(mutex_);
    snapshot_ = snapshot;
    problems_ = all;
  }
  publish_(snapshot);
  log_.write(generation == 1 ? LogLevel::info : LogLevel::debug,
             fmt::format("generation {} is served: {} hosts, {} paths, {} upstreams, {} problems", generation,
                         routes_->host_count(), routes_->path_count(), routes_->upstream_count(), all->size()));
}

std::shared_ptr<const Snapshot> Publisher::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

std::shared_ptr<const Problems> Publisher::problems() const {
  const std::lock_guard lock(mutex_);
  return problems_;
}

}  // namespace fairlead

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "router/route_table.hpp"
#include "tls/certificate_store.hpp"

namespace fairlead {

// All that a request needs to know of the configuration, published together. Immutable.
struct Snapshot {
  std::uint64_t generation = 0;
  std::shared_ptr<const RouteTable> routes;
  std::shared_ptr<const CertificateStore> certificates;
  std::chrono::system_clock::time_point published;
};

// One Worker's hold on a Snapshot, counted without atomics: an Exchange takes and drops one for a nanosecond, and no
// cache line is shared between Workers. Never leaves its Worker's thread.
class SnapshotRef {
 public:
  SnapshotRef() = default;
  explicit SnapshotRef(std::shared_ptr<const Snapshot> snapshot) : node_(new Node{std::move(snapshot), 1}) {}
  SnapshotRef(const SnapshotRef& other) : node_(other.node_) {
    if (node_) ++node_->count;
  }
  SnapshotRef(SnapshotRef&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  SnapshotRef& operator=(SnapshotRef other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~SnapshotRef() {
    if (node_ && --node_->count == 0) delete node_;
  }

  const Snapshot* operator->() const { return node_->snapshot.get(); }
  explicit operator bool() const { return node_ != nullptr; }

 private:
  struct Node {
    std::shared_ptr<const Snapshot> snapshot;
    std::uint32_t count;
  };
  Node* node_ = nullptr;
};

}  // namespace fairlead

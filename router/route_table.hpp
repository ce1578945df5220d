#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "router/config.hpp"
#include "router/upstream_state.hpp"

namespace fairlead {

// What a request was matched to. Borrows from the RouteTable, which the Exchange keeps alive through its Snapshot.
// path and host are never null: the catch-all host and its "/" always exist.
struct RouteMatch {
  const Host* host = nullptr;
  const Path* path = nullptr;
  const UpstreamEntry* upstream = nullptr;  // null: the Path has no backend (404)
};

// Config compiled for matching. Immutable; with() shares everything the delta does not name, so that the cost of a
// change follows the size of the change.
class RouteTable {
 public:
  // A table that knows only the catch-all host, which answers 404.
  static std::shared_ptr<const RouteTable> empty();

  // The only way to compile. EndpointStates (and indexes of Upstreams) are carried over by key and address.
  std::shared_ptr<const RouteTable> with(const ConfigDelta& delta) const;

  // host: canonical (host_name.hpp); path: normal form (request_target.hpp). Exact host, else the one-label wildcard,
  // else the catch-all; there is no fall-through from one host to another. Does not allocate (RE2 may, in regex hosts).
  RouteMatch match(std::string_view host, std::string_view path) const;

  const Settings& settings() const;
  std::size_t host_count() const;
  std::size_t path_count() const;
  std::size_t upstream_count() const;

  // For the admin page: every host in no particular order.
  std::vector<std::shared_ptr<const Host>> hosts() const;
  // What a path's upstream_key leads to, or null when there is no such Upstream.
  const UpstreamEntry* upstream(std::string_view key) const;

  // Ids of the EndpointStates that the table this one was made from knew and this one does not, sorted.
  const std::vector<std::uint64_t>& retired_endpoints() const { return retired_; }

  ~RouteTable();
  RouteTable(const RouteTable&) = delete;
  RouteTable& operator=(const RouteTable&) = delete;

 private:
  struct Parts;
  RouteTable(std::unique_ptr<const Parts> parts, std::vector<std::uint64_t> retired);
  std::unique_ptr<const Parts> parts_;
  std::vector<std::uint64_t> retired_;
};

}  // namespace fairlead

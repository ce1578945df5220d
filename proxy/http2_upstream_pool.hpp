#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "proxy/http2_upstream_step.hpp"
#include "proxy/output.hpp"
#include "proxy/session.hpp"
#include "proxy/upstream_side.hpp"
#include "router/upstream_state.hpp"

namespace fairlead {

class Http2Upstream;
class Http2UpstreamPool;
class Http2UpstreamStreamPool;
struct WorkerContext;

// A request that waits for a stream; its Session is woken when it need not wait any more.
class Http2UpstreamWait
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  explicit Http2UpstreamWait(Session& session) : session_(session) {}
  ~Http2UpstreamWait();
  Http2UpstreamWait(const Http2UpstreamWait&) = delete;
  Http2UpstreamWait& operator=(const Http2UpstreamWait&) = delete;

  bool waits() const { return is_linked(); }
  // Null when it failed, which fault() explains.
  UpstreamSidePtr take() { return std::move(stream_); }
  const UpstreamFault& fault() const { return fault_; }
  // While it waits: for a log line.
  std::string_view what_for() const;

 private:
  friend class Http2UpstreamPool;

  Session& session_;
  Http2UpstreamPool* pool_ = nullptr;
  std::uint64_t endpoint_ = 0;
  UpstreamSidePtr stream_;
  UpstreamFault fault_;
};

// One Worker's HTTP/2 connections to upstreams, by Endpoint: as few as can be, each shared by as many requests as its
// upstream allows. Bounded by http2_max_upstream_connections and http2_max_upstream_waiting, both per Endpoint.
class Http2UpstreamPool {
 public:
  explicit Http2UpstreamPool(WorkerContext& worker);
  ~Http2UpstreamPool();

  // A stream of a connection that has room, and for which nobody waits. Null when there is none.
  UpstreamSidePtr open(const EndpointState& endpoint, Session& session);
  // Waits for one, for as long as `wait` lives. It may be over at once.
  void join(Http2UpstreamWait& wait, std::shared_ptr<EndpointState> endpoint);

  std::size_t connections() const;
  // What leads to Endpoints that are served no more is closed once its streams are over, by EndpointState::id.
  void close(const std::vector<std::uint64_t>& endpoints);
  void close_all();

 private:
  friend class Http2Upstream;
  friend class Http2UpstreamWait;
  using Waits = boost::intrusive::list<Http2UpstreamWait, boost::intrusive::constant_time_size<false>>;
  struct Entry {
    std::shared_ptr<EndpointState> endpoint;
    std::vector<std::unique_ptr<Http2Upstream>> connections;
    Waits waits;
    std::size_t waiting = 0;  // how many waits there are
  };

  Http2UpstreamStreamPool& streams() { return *streams_; }
  TextBuffer& head_text() { return head_text_; }
  // A connection may take more streams than before.
  void room_at(const EndpointState& endpoint);
  // It is at its end: destroys it. Those who wait for it are told, unless there is another one.
  void drop(Http2Upstream& connection);
  void leave(Http2UpstreamWait& wait);

  Http2UpstreamFacts facts_of(const Entry& entry) const;
  void serve(Entry& entry, bool may_connect = true);
  void give_stream(Entry& entry);
  void fail(Entry& entry, const UpstreamFault& fault);
  void end(Entry& entry, Http2UpstreamWait& wait);
  void forget_if_empty(std::uint64_t endpoint);

  WorkerContext& worker_;
  std::unique_ptr<Http2UpstreamStreamPool> streams_;
  TextBuffer head_text_;  // of one request at a time
  std::unordered_map<std::uint64_t, Entry> entries_;
};

}  // namespace fairlead

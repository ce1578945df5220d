#pragma once

#include <memory>
#include <string_view>

#include "proxy/stream.hpp"
#include "proxy/upstream_side.hpp"
#include "proxy/worker_context.hpp"
#include "router/upstream_state.hpp"

namespace fairlead {

// The making of one connection to an Endpoint, step by step: TCP, then TLS where its Upstream speaks that. Never waits:
// step() is called whenever the target has news.
class UpstreamDial {
 public:
  enum class State : std::uint8_t { connecting, handshaking, done, failed };

  // target: of the socket's news.
  UpstreamDial(WorkerContext& worker, const EndpointState& endpoint, EventTarget& target);

  State step();
  const UpstreamFault& fault() const { return fault_; }  // of failed
  std::unique_ptr<Stream> take() { return std::move(stream_); }

 private:
  void begin(const Endpoint& endpoint, ReadinessSet& readiness);
  State connected();
  State handshake();
  State fail(std::string_view reason);

  const UpstreamProtocol protocol_;
  std::unique_ptr<Stream> stream_;
  State state_ = State::connecting;
  UpstreamFault fault_;
};

}  // namespace fairlead

#pragma once

#include <cstdint>
#include <memory>

#include "proxy/http1_body_reader.hpp"
#include "proxy/input_buffer.hpp"
#include "proxy/output.hpp"
#include "proxy/stream.hpp"
#include "router/upstream_state.hpp"

namespace fairlead {

class UpstreamPool;

// One HTTP/1.1 connection to an Endpoint. While an Exchange uses it, its socket's news go to that Session; while it
// rests in the pool, to itself: any news then means that it is of no use any more.
class UpstreamConnection final : public EventTarget {
 public:
  UpstreamConnection(UpstreamPool& pool, std::shared_ptr<EndpointState> to, std::unique_ptr<Stream> over,
                     ScratchBuffer& scratch, GatherScratch& gather, const Limits& limits)
      : endpoint(std::move(to)),
        stream(std::move(over)),
        input(scratch),
        output(*stream, gather),
        body(limits, *stream, input),
        idle_deadline(*this),
        pool_(pool) {}

  void run() override;
  // Nothing arrived that nobody asked for, and the upstream has not closed.
  bool is_quiet();

  const std::shared_ptr<EndpointState> endpoint;
  const std::unique_ptr<Stream> stream;
  InputBuffer input;
  Output output;
  Http1BodyReader body;
  std::uint32_t requests = 0;
  Deadline idle_deadline;

 private:
  UpstreamPool& pool_;
};

using UpstreamConnectionPtr = std::unique_ptr<UpstreamConnection>;

}  // namespace fairlead

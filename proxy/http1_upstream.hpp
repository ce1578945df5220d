#pragma once

#include <cstdint>
#include <memory>

#include "proxy/http1_body_reader.hpp"
#include "proxy/http1_framer.hpp"
#include "proxy/http1_head.hpp"
#include "proxy/input_buffer.hpp"
#include "proxy/output.hpp"
#include "proxy/stream.hpp"
#include "proxy/upstream_side.hpp"
#include "router/upstream_state.hpp"

namespace fairlead {

class UpstreamPool;

// One HTTP/1.1 connection to an Endpoint, and the Exchange that uses it. Meanwhile its socket's news go to that
// Session; while it rests in the pool, to itself: any news then means that it is of no use any more.
class Http1Upstream final : public UpstreamSide, public EventTarget {
 public:
  Http1Upstream(UpstreamPool& pool, std::shared_ptr<EndpointState> to, std::unique_ptr<Stream> over,
                ScratchBuffer& scratch, GatherScratch& gather, const Limits& limits)
      : endpoint(std::move(to)),
        stream(std::move(over)),
        input(scratch),
        output(*stream, gather),
        idle_deadline(*this),
        pool_(pool),
        limits_(limits),
        framer_(output),
        body_(limits, *stream, input) {}

  void run() override;
  // Nothing arrived that nobody asked for, and the upstream has not closed.
  bool is_quiet();

  void start(const Exchange& exchange) override;
  bool request_bytes_sent() const override { return output.bytes_taken() > taken_before_; }
  HeadState read_head(Exchange& exchange, ResponseHead& head, ResponseFraming& framing) override;
  BodyReader& body() override { return body_; }
  const UpstreamFault& fault() const override { return fault_; }
  void start_raw(std::size_t most) override;
  void keep() override;
  void let_go() override { delete this; }

  void data(std::string_view piece) override { framer_.data(piece); }
  void end(std::string_view trailers) override { framer_.end(trailers); }
  bool room() const override { return output.room(8); }
  bool send() override { return output.send(); }
  bool flush() override { return output.flush(); }
  bool drained() const override { return output.drained(); }
  std::uint64_t progress() const override { return output.progress(); }
  void shutdown() override { stream->shutdown_write(); }
  bool can_splice() const override { return framer_.can_splice(); }
  IoCount splice_from(int pipe, std::size_t count, bool more) override {
    return framer_.splice_from(pipe, count, more);
  }
  void push() override { stream->push(); }

  const std::shared_ptr<EndpointState> endpoint;
  const std::unique_ptr<Stream> stream;
  InputBuffer input;
  Output output;
  std::uint32_t requests = 0;
  Deadline idle_deadline;

 private:
  HeadState fail(AttemptFailure failure, std::string_view reason, std::string_view limit = {});
  HeadState read_more();

  UpstreamPool& pool_;
  const Limits& limits_;
  Http1Framer framer_;
  Http1BodyReader body_;
  HeadScan scan_;
  UpstreamFault fault_;
  std::uint64_t taken_before_ = 0;
};

using Http1UpstreamPtr = std::unique_ptr<Http1Upstream>;

}  // namespace fairlead

#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>
#include <optional>

#include "proxy/http2_closed_streams.hpp"
#include "proxy/http2_floods.hpp"
#include "proxy/http2_link.hpp"
#include "proxy/http2_upstream_stream.hpp"
#include "proxy/input_buffer.hpp"
#include "proxy/upstream_dial.hpp"

namespace fairlead {

class Http2UpstreamPool;

// One HTTP/2 connection to an Endpoint, shared by many Exchanges: a stream for each. Makes itself, reads all there is,
// wakes the Sessions of its streams, and sends what they want sent once a turn. Owned by the pool, which it tells when
// it is at its end.
class Http2Upstream final : public EventTarget, public Http2SessionOwner, public Http2Link {
 public:
  Http2Upstream(Http2UpstreamPool& pool, WorkerContext& worker, std::shared_ptr<EndpointState> endpoint);
  ~Http2Upstream() override;
  Http2Upstream(const Http2Upstream&) = delete;
  Http2Upstream& operator=(const Http2Upstream&) = delete;

  void run() override;

  const EndpointState& endpoint() const { return *endpoint_; }
  bool is_connecting() const { return !settled_ && takes_streams_; }  // what it takes is not known yet
  bool takes_streams() const { return takes_streams_; }               // now or later
  std::size_t room() const;                                           // streams it takes now
  Http2UpstreamStream& open(Session& session);
  // The stream's Exchange is over. What is under way of it is cancelled.
  void release(Http2UpstreamStream& stream);
  // No more streams; closes after those that there are.
  void retire();
  bool going_away() const { return going_away_; }  // the upstream said GOAWAY
  bool was_settled() const { return settled_; }
  UpstreamFault fault() const;  // why it is at its end

  Http2Session& session() override { return *http2_; }
  Http2Fields& fields() override;
  TextBuffer& head_text();
  std::string_view scheme() const { return over_tls(endpoint_->protocol) ? "https" : "http"; }
  void flush_now() override;
  void flush_later() override;
  bool broken() const override { return broken_; }
  std::uint64_t socket_progress() const override { return output_->drained() ? 0 : output_->progress(); }

  void on_frame_begin(const Http2FrameHead& head, std::string_view payload) override;
  void on_head_end() override {}
  void on_frame(const Http2FrameHead& head, std::size_t payload) override;
  Http2Channel* on_open(std::int32_t) override { return nullptr; }
  void on_malformed(std::int32_t stream, std::string_view why) override;
  void on_reset_sent(std::int32_t stream, Http2Error) override { closed_.closed(stream, true); }
  void on_closed(std::int32_t stream) override { closed_.closed(stream, false); }
  void on_unasked() override { flush_later(); }

  void sent_data() { floods_.data_sent(); }
  void sent_tiny_frame();

 private:
  // Sends, once all others have run.
  class Sender final : public EventTarget {
   public:
    explicit Sender(Http2Upstream& of) : of_(of) {}
    void run() override { of_.flush_now(); }

   private:
    Http2Upstream& of_;
  };
  using Streams = boost::intrusive::list<Http2UpstreamStream, boost::intrusive::base_hook<Http2UpstreamHook>,
                                         boost::intrusive::constant_time_size<false>>;

  bool dial();
  void begin();
  bool receive();
  bool comes_too_late(const Http2FrameHead& head) const;
  void look_at_deadlines();
  void set_deadline();
  LoopTime due() const;
  void break_off(std::string_view reason);
  bool finished() const;
  void start_closing();
  bool closed();
  void too_much(std::string_view limit);

  Http2UpstreamPool& pool_;
  WorkerContext& worker_;
  const std::shared_ptr<EndpointState> endpoint_;
  std::optional<UpstreamDial> dial_;  // until it is made
  UpstreamFault fault_;
  std::unique_ptr<Stream> stream_;
  InputBuffer input_;
  std::optional<Output> output_;
  std::optional<Http2Session> http2_;
  Http2ClosedStreams closed_;
  Http2Floods floods_;
  Deadline deadline_;
  Sender sender_;
  Streams streams_;
  std::size_t open_ = 0;  // how many streams_ there are
  std::uint32_t requests_ = 0;
  bool settled_ = false;  // the upstream's SETTINGS came
  bool takes_streams_ = true;
  bool going_away_ = false;
  bool pinged_ = false;  // and not answered
  bool ended_ = false;   // the upstream ended its side
  bool broken_ = false;
  bool closing_ = false;  // our side is ended; what comes is thrown away
  LoopTime heard_at_;     // when something came last
  LoopTime since_;        // of the ping, of being idle, of closing
};

}  // namespace fairlead

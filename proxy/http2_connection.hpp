#pragma once

#include <boost/intrusive/list.hpp>

#include "proxy/connection_phase.hpp"
#include "proxy/http2_closed_streams.hpp"
#include "proxy/http2_floods.hpp"
#include "proxy/http2_link.hpp"
#include "proxy/http2_stream.hpp"

namespace fairlead {

// Serves HTTP/2 over one client's stream of bytes: an Exchange for each of its streams, all at once.
//
// A turn: what has arrived is read and given to the session, whose events wake streams; these run; and what they want
// sent leaves in one go at the turn's end.
class Http2Connection final : public Http2SessionOwner, public Http2ClientLink {
 public:
  Http2Connection(Session& session, WorkerContext& worker, Stream& stream, const ClientAddress& address);
  ~Http2Connection() override;
  Http2Connection(const Http2Connection&) = delete;
  Http2Connection& operator=(const Http2Connection&) = delete;

  // early: what was read already. Returns when the socket is ready to be closed.
  Task<void> run(std::string early);

  const ClientAddress& address() const { return address_; }
  // To be run again in this turn.
  void ready(Http2Stream& stream);
  // After each run of it; gives it back to the pool when it is done.
  void ran(Http2Stream& stream);
  void sent_data() { floods_.data_sent(); }
  void sent_tiny_frame();

  Http2Session& session() override { return http2_; }
  Http2Fields& fields() override;
  void flush_now() override;
  void flush_later() override;
  bool broken() const override { return broken_; }
  void holds(std::ptrdiff_t change) override { unsent_ += static_cast<std::size_t>(change); }
  bool has_room(std::int32_t stream) const override;
  void wait_for_room(std::int32_t stream) override;
  std::uint64_t progress_of_all() const override { return output_.bytes_given(); }
  std::uint64_t socket_progress() const override { return output_.drained() ? 0 : output_.progress(); }

  void on_frame_begin(const Http2FrameHead& head, std::string_view payload) override;
  void on_head_end() override { in_head_ = false; }
  void on_frame(const Http2FrameHead& head, std::size_t payload) override;
  Http2Channel* on_open(std::int32_t stream) override;
  void on_malformed(std::int32_t stream, std::string_view why) override;
  void on_reset_sent(std::int32_t stream, Http2Error code) override;
  void on_closed(std::int32_t stream) override;

 private:
  using Phase = ConnectionPhase;
  using Streams = boost::intrusive::list<Http2Stream, boost::intrusive::base_hook<Http2StreamHook>>;
  using Ready = boost::intrusive::list<Http2Stream, boost::intrusive::base_hook<Http2ReadyHook>,
                                       boost::intrusive::constant_time_size<false>>;
  using Waiting = boost::intrusive::list<Http2Stream, boost::intrusive::base_hook<Http2RoomHook>,
                                         boost::intrusive::constant_time_size<false>>;

  bool turn();
  bool receive();
  bool any_ready();
  void run_ready();
  void on_late_frame(const Http2FrameHead& head);
  void too_much(std::string_view limit);
  bool must_end() const;
  void drain_step();
  void note_progress();
  bool finished() const;
  LoopTime deadline() const;
  bool timed_out();
  Task<void> close();
  bool idle() const { return streams_.empty() && !in_head_; }
  bool may_rest() const { return idle() && settled_ && !rests_ && output_.drained(); }

  Session& session_;
  WorkerContext& worker_;
  Stream& stream_;
  const ClientAddress& address_;
  InputBuffer input_;
  Output output_;
  Http2Session http2_;
  Http2ClosedStreams closed_;
  Http2Floods floods_;
  ConnectionPhase phase_;
  Streams streams_;
  Ready ready_;
  Waiting waiting_;         // for room, the first for longest
  std::size_t unsent_ = 0;  // bytes that streams hold
  std::uint32_t requests_ = 0;
  bool rests_ = false;    // its memory was given back
  bool settled_ = false;  // the preface came whole, its SETTINGS included
  bool in_head_ = false;  // a header block has begun
  bool ended_ = false;    // the client ended its side
  bool broken_ = false;
  bool driving_ = false;     // run() is at work, and will flush
  bool moved_ = false;       // more may be there to be read
  bool going_away_ = false;  // announced
  bool last_stream_named_ = false;
  bool naming_ = false;         // that has not left yet
  bool answered_ping_ = false;  // of the announcement: the client knows
  LoopTime idle_since_;
  LoopTime head_since_;
  LoopTime announced_at_{0};
  LoopTime sent_at_;  // when the socket last took something
  std::uint64_t sent_bytes_ = 0;
};

}  // namespace fairlead

#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/client_side.hpp"
#include "proxy/splice_lane.hpp"
#include "proxy/upstream_side.hpp"

namespace fairlead {

enum class RelayEnd : std::uint8_t {
  complete,        // the response went out whole
  switched,        // 101 went out: a tunnel begins
  failed,          // no response head came: failure() says why
  cut,             // the response had begun and cannot be finished
  client_gone,     // closed, reset, or took nothing for too long
  client_timeout,  // its body did not come; the response may have begun
  body_too_large,  // likewise
  body_malformed,  // 400
};

// One attempt: sends the request to one upstream and brings the response back, both at once, with
// back-pressure either way and at most one scratch buffer's worth of bytes, or one pipe's, held per direction. A
// response may come before its request is complete.
class Relay {
 public:
  // may_pass_over: another Endpoint can be asked for an answer that proxy-next-upstream does not want.
  Relay(ClientSide& client, UpstreamSide& upstream, AttemptRecord& record, bool may_pass_over);

  Task<RelayEnd> run();

  AttemptFailure failure() const { return failure_; }
  std::string_view reason() const { return reason_; }  // of failed, cut and body_malformed, for the log
  std::string_view limit() const { return limit_; }    // the one that was hit, or ""
  bool request_bytes_sent() const { return upstream_.request_bytes_sent(); }
  bool body_consumed() const { return body_consumed_; }
  // After cut, client_timeout and body_too_large: trailers may stand where the response broke off, and its client knows
  // what they say.
  bool can_end_as_grpc() const { return answers_grpc_ && client_.exchange.over_http2; }
  // After complete: nothing is left on the connection, and both sides let it persist.
  bool reusable() const;

 private:
  static constexpr int moves_a_turn = 16;  // of up to one pipe each, before others get a turn

  struct Progress {
    LoopTime upstream_write, upstream_read, client_read, client_write;
  };

  bool end(RelayEnd how) {
    end_ = how;
    ended_ = true;
    return true;
  }
  bool fail(AttemptFailure failure, std::string_view reason);
  const PathSettings& settings() const { return client_.exchange.match.path->route->settings; }

  void send_request();
  bool push_body();
  bool splice_request();
  void send_upstream();
  void note_upstream();
  void flush_upstream();
  bool take_body_piece(std::string_view piece);
  bool fail_request_body();
  void finish_request();
  bool too_large(std::size_t more) const;
  bool pull_response();
  bool read_head();
  bool take_head(const ResponseHead& head);
  bool passes_over(const ResponseHead& head) const;
  bool rest_is_unwanted(int status) const;
  bool awaits_continue() const;
  bool may_switch(const ResponseHead& head) const;
  bool switch_protocols(const ResponseHead& head);
  bool take_interim(const ResponseHead& head);
  bool pull_body();
  bool splice_response();
  bool client_drained() const { return client_.response.drained() && to_client_.empty(); }
  bool flush_client();
  LoopTime last_upstream_sign() const;
  LoopTime deadline() const;
  void time_out();

  ClientSide& client_;
  UpstreamSide& upstream_;
  BodyReader& upstream_body_;
  AttemptRecord& record_;
  SpliceLane to_upstream_;
  SpliceLane to_client_;
  Progress progress_;
  const std::chrono::microseconds began_;
  const bool may_pass_over_;
  ResponseFraming framing_;
  std::size_t interim_responses_ = 0;
  std::size_t retained_ = 0;  // body bytes sent but not consumed: they can be sent again
  bool continued_ = false;    // 100 was passed on
  bool request_done_ = false;
  bool upstream_drained_ = true;  // as last seen
  bool upstream_broken_ = false;  // takes no more bytes; it may still have sent a response
  bool head_done_ = false;
  bool body_consumed_ = false;
  bool answers_grpc_ = false;  // with messages, and the status behind them
  bool ended_ = false;
  RelayEnd end_ = RelayEnd::complete;
  AttemptFailure failure_ = AttemptFailure::closed_before_response;
  std::string_view reason_;
  std::string_view limit_;
};

}  // namespace fairlead

#pragma once

#include "proxy/client_link.hpp"
#include "proxy/client_side.hpp"
#include "proxy/connection_phase.hpp"
#include "proxy/exchange_finisher.hpp"
#include "proxy/http1_response_writer.hpp"

namespace fairlead {

// Serves HTTP/1 requests over one client's stream, one after the other, until either side wants to close.
class Http1Connection {
 public:
  // Returns when no further request will be served; the socket is ready to be closed, unless the link goes on as
  // HTTP/2. The frame of this coroutine is what an idle connection costs.
  static Task<void> serve(ClientLink& link);

  explicit Http1Connection(ClientLink& link);
  Http1Connection(const Http1Connection&) = delete;
  Http1Connection& operator=(const Http1Connection&) = delete;

 private:
  using Phase = ConnectionPhase;
  enum class HeadWait : std::uint8_t { arrived, refused, closed };

  // What one request is read and answered with. An idle connection has none.
  struct Turn {
    Output output;
    Http1BodyReader body;
    Http1ResponseWriter response;

    Turn(Stream& stream, InputBuffer& input, WorkerContext& worker);
    bool another_may_follow() const { return output.drained() && response.keeps_alive() && body.ended(); }
  };

  HeadWait look_for_head(HeadError& error);
  LoopTime head_deadline() const;
  bool read_more();
  bool came_just_now();
  Task<bool> serve_request();
  Task<bool> refuse_head(HeadError error, bool timed_out);
  int understand(Exchange& exchange, std::string_view& limit);
  Task<bool> finish_request(Turn& turn, ExchangeFinisher& finisher, bool usable, bool refused);
  Task<bool> drain_output(Output& output, Exchange& exchange);
  void note_pipelined(const Exchange& exchange, bool full);
  void begin_waiting();
  void end_idle(bool timed_out);
  Task<void> linger();
  bool is_http2_preface() const;

  ClientLink& link_;
  InputBuffer input_;
  HeadScan scan_;
  std::size_t head_size_ = 0;
  std::uint32_t requests_ = 0;
  std::uint8_t empty_lines_ = 0;  // skipped in front of the head
  bool closed_ = false;           // the client ended or broke the connection
  ConnectionPhase phase_;
  LoopTime since_;                           // when waiting began, or the first byte of the head came
  std::chrono::microseconds head_began_{0};  // the same, precisely
};

}  // namespace fairlead

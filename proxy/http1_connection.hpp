#pragma once

#include <string>

#include "proxy/client_side.hpp"
#include "proxy/http1_response_writer.hpp"

namespace fairlead {

// Who is at the other end of a client's connection.
struct ClientAddress {
  IpAddress address;  // of the connection, or of its PROXY header
  std::uint16_t port = 0;
  std::uint16_t local_port = 0;  // that the Client connected to, here or at the sender of the PROXY header
  bool tls = false;
  bool tls_before = false;  // the sender of the PROXY header took the connection at 443: TLS ended there
  std::string server_name;  // SNI, canonical; ""
};

// Serves HTTP/1 requests over one client's stream, one after the other, until either side wants to close.
class Http1Connection {
 public:
  Http1Connection(Session& session, WorkerContext& worker, Stream& stream, const ClientAddress& address);

  ~Http1Connection() { enter(Phase::none); }
  Http1Connection(const Http1Connection&) = delete;
  Http1Connection& operator=(const Http1Connection&) = delete;

  // Returns when no further request will be served; the socket is ready to be closed.
  Task<void> run();

 private:
  class Finisher;
  enum class HeadWait : std::uint8_t { arrived, refused, closed };
  // Where the connection is counted as in the metrics.
  enum class Phase : std::uint8_t { none, waiting, reading, writing };

  HeadWait look_for_head(HeadError& error);
  LoopTime head_deadline() const;
  bool read_more();
  bool came_just_now();
  Task<bool> serve_request();
  Task<bool> refuse_head(HeadError error, bool timed_out);
  int understand(Exchange& exchange, std::string_view& limit);
  void prepare(Exchange& exchange);
  Task<bool> finish_request(Finisher& finisher, bool usable, bool refused);
  Task<bool> drain_output(Exchange& exchange);
  void note_pipelined(const Exchange& exchange, bool full);
  void end_idle(bool timed_out);
  Task<void> linger();
  void enter(Phase phase);
  Level* level_of(Phase phase);

  Session& session_;
  WorkerContext& worker_;
  Stream& stream_;
  const ClientAddress& address_;
  InputBuffer input_;
  Output output_;
  Http1BodyReader body_;
  Http1ResponseWriter response_;
  HeadScan scan_;
  int empty_lines_ = 0;  // skipped in front of the head
  std::size_t head_size_ = 0;
  std::uint32_t requests_ = 0;
  Phase phase_ = Phase::none;
  bool closed_ = false;                      // the client ended or broke the connection
  LoopTime since_;                           // when waiting began, or the first byte of the head came
  std::chrono::microseconds head_began_{0};  // the same, precisely
};

}  // namespace fairlead

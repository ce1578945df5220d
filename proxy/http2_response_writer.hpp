#pragma once

#include "proxy/body.hpp"
#include "proxy/date_line.hpp"
#include "proxy/http2_link.hpp"
#include "proxy/http2_outbox.hpp"

namespace fairlead {

// Writes the response of one stream.
class Http2ResponseWriter final : public ResponseWriter {
 public:
  // date: the Worker's. server: what the field says, "" for none; outlives this.
  Http2ResponseWriter(const ReadinessSet& clock, DateLine& date, const std::string& server)
      : clock_(clock), date_(date), server_(server) {}

  // tunnel: the request is an extended CONNECT (RFC 8441), for which a 2xx says that the tunnel is there.
  void start(Http2ClientLink& link, std::int32_t stream, Method method, bool tunnel);
  void stop();

  // What the session asks and tells: see Http2Channel.
  Http2Outgoing outgoing(std::size_t most);
  void give(std::size_t count, Output& output);
  void sent(std::size_t bytes, bool fields);
  void closed();

  bool ended() const { return ended_; }  // nothing will be added
  bool is_closed() const { return closed_; }
  // All of the response was given to the connection, its end included.
  bool complete() const { return end_given_ && drained(); }
  // Of a tunnel that was asked for, this may be another than the upstream's.
  int status() const { return status_; }

  void interim(const ResponseHead& head) override;
  void head(const ResponseHead& head, const HeadEdits& edits, BodyKind body, std::uint64_t length) override;
  void switch_protocols(const ResponseHead& head, const HeadEdits& edits) override;

  void data(std::string_view piece) override;
  void end(std::string_view trailers) override;
  bool room() const override { return outbox_.room(); }
  bool send() override;
  bool flush() override;
  // And may be given more: there is a limit to what all streams of a connection hold.
  bool drained() const override {
    return outbox_.empty() && heads_waiting_ == 0 && ended_ == end_given_ && !waits_for_room();
  }
  std::uint64_t progress() const override { return progress_; }
  void shutdown() override;

  bool head_sent() const override { return head_sent_; }
  std::uint64_t bytes_sent() const override { return bytes_sent_; }
  std::uint64_t body_bytes_sent() const override { return body_bytes_; }
  void close_after() override {}  // other streams have nothing to do with it
  bool client_broke() const override { return closed_ || link_->broken(); }
  bool client_gone(std::size_t) override { return client_broke(); }

 private:
  static constexpr std::size_t large = 32 * 1024;  // worth a send of its own rather than a copy

  bool waits_for_room() const { return !ended_ && !closed_ && !link_->has_room(stream_); }
  void note_held();
  void begin_fields(int status);
  void copy_fields(const ResponseHead& head, const HeadEdits* edits, bool with_length);
  void submit(bool has_body);

  const ReadinessSet& clock_;
  DateLine& date_;
  const std::string& server_;
  Http2ClientLink* link_ = nullptr;
  std::int32_t stream_ = 0;
  Http2Outbox outbox_;
  std::string trailers_;
  Method method_ = Method::get;
  bool tunnel_ = false;
  int status_ = 0;
  bool head_sent_ = false;
  bool has_body_ = false;
  bool ended_ = false;      // nothing will be added
  bool end_given_ = false;  // and the session has been told
  bool deferred_ = false;   // the session waits for resume()
  bool closed_ = false;
  bool date_seen_ = false, server_seen_ = false;
  int heads_waiting_ = 0;
  std::size_t held_ = 0;  // of the body, as the connection knows it
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t body_bytes_ = 0;
  std::uint64_t progress_ = 0;  // as of the last flush()
};

}  // namespace fairlead

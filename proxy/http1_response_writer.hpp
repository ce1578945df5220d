#pragma once

#include "proxy/body.hpp"
#include "proxy/date_line.hpp"
#include "proxy/http1_framer.hpp"
#include "proxy/input_buffer.hpp"

namespace fairlead {

// Writes responses to an HTTP/1 client: one after the other over one connection.
class Http1ResponseWriter final : public ResponseWriter {
 public:
  // date: the Worker's. server: what the field Server says, "" = there is none; must outlive the writer. The upstream's
  // is never passed on.
  Http1ResponseWriter(Output& output, InputBuffer& input, const ReadinessSet& clock, DateLine& date,
                      std::string_view server)
      : framer_(output), input_(input), clock_(clock), date_(date), server_(server) {}

  // Before each request. minor_version: of the request; keep_alive: its wish, and ours.
  void start(Method method, std::uint8_t minor_version, bool keep_alive);
  // Whether the connection may carry another request, as far as the response has a say.
  bool keeps_alive() const { return keep_alive_; }
  // The response did not leave whole, and closing the connection would say that it did.
  bool is_open_ended() const { return ends_by_close_ && !(ended_ && drained()); }

  void interim(const ResponseHead& head) override;
  void head(const ResponseHead& head, const HeadEdits& edits, BodyKind body, std::uint64_t length) override;
  void switch_protocols(const ResponseHead& head, const HeadEdits& edits) override;

  void data(std::string_view piece) override { framer_.data(piece); }
  void end(std::string_view trailers) override {
    framer_.end(trailers);
    ended_ = true;
  }
  bool room() const override { return framer_.output().room(8); }
  bool send() override { return output().send(ended_ && !keep_alive_); }
  bool flush() override { return output().flush(); }
  bool drained() const override { return framer_.output().drained(); }
  std::uint64_t progress() const override { return framer_.output().progress(); }
  void shutdown() override { output().stream().shutdown_write(); }

  bool can_splice() const override { return framer_.can_splice(); }
  IoCount splice_from(int pipe, std::size_t count, bool more) override {
    return framer_.splice_from(pipe, count, more);
  }
  void push() override { output().stream().push(); }

  bool head_sent() const override { return head_sent_; }
  std::uint64_t bytes_sent() const override { return framer_.output().bytes_given() - bytes_before_; }
  std::uint64_t body_bytes_sent() const override { return framer_.body_bytes(); }
  void close_after() override { keep_alive_ = false; }
  bool client_broke() const override { return framer_.output().stream().socket().broken; }
  bool client_gone(std::size_t kept) override;

 private:
  Output& output() { return framer_.output(); }
  void status_line(const ResponseHead& head);
  void copy_fields(const ResponseHead& head, const HeadEdits* edits, bool with_length);
  void server_field();
  void framing_fields(BodyKind body, std::uint64_t length);

  Http1Framer framer_;
  InputBuffer& input_;
  const ReadinessSet& clock_;
  DateLine& date_;
  const std::string_view server_;
  Method method_ = Method::get;
  std::uint8_t minor_version_ = 1;
  bool keep_alive_ = true;
  bool ends_by_close_ = false;
  bool ended_ = false;
  bool head_sent_ = false;
  bool date_seen_ = false;    // the head names its own
  bool server_seen_ = false;  // likewise, by an edit
  std::uint64_t bytes_before_ = 0;
};

}  // namespace fairlead

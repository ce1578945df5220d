#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>
#include <string>
#include <vector>

#include "proxy/http2_body_reader.hpp"
#include "proxy/http2_link.hpp"
#include "proxy/http2_outbox.hpp"
#include "proxy/http2_response_head.hpp"
#include "proxy/session.hpp"
#include "proxy/upstream_side.hpp"

namespace fairlead {

class Http2Upstream;
class Http2UpstreamStreamPool;

using Http2UpstreamHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// One stream of a connection to an upstream: one request and its response, for one Exchange's Session, which is woken
// by its news. Taken from a Worker's pool.
class Http2UpstreamStream final : public UpstreamSide, public Http2Channel, public Http2UpstreamHook {
 public:
  Http2UpstreamStream(Http2UpstreamStreamPool& pool, const Limits& limits)
      : pool_(pool), head_(limits), body_(limits) {}

  void open(Http2Upstream& connection, Session& session);
  void stop();
  std::int32_t id() const { return id_; }  // 0 until started
  bool is_closed() const { return closed_; }
  LoopTime opened_at() const { return opened_at_; }
  // The connection is of no use any more.
  void detach(const UpstreamFault& fault);
  // The upstream made the stream wrong.
  void malformed(std::string_view why) { malformed_ = why; }

  void start(const Exchange& exchange) override;
  bool request_bytes_sent() const override { return head_sent_; }
  bool may_refuse() const override { return true; }
  HeadState read_head(Exchange& exchange, ResponseHead& head, ResponseFraming& framing) override;
  BodyReader& body() override { return body_; }
  const UpstreamFault& fault() const override { return fault_; }
  void start_raw(std::size_t most) override;
  void keep() override { let_go(); }
  void let_go() override;

  void data(std::string_view piece) override;
  void end(std::string_view trailers) override;
  bool room() const override { return outbox_.room(); }
  bool send() override;
  bool flush() override;
  bool drained() const override { return closed_ || (outbox_.empty() && head_sent_ && ended_ == end_given_); }
  std::uint64_t progress() const override { return progress_; }
  void shutdown() override;

  void on_field(std::string_view name, std::string_view value) override;
  void on_fields_end(bool ends_stream) override;
  void on_data(std::string_view piece) override;
  void on_end() override;
  void on_closed(Http2Error code, bool reset_by_peer) override;
  Http2Outgoing outgoing(std::size_t most) override;
  void give(std::size_t count, Output& output) override { outbox_.give(count, output); }
  void on_sent(std::size_t bytes, bool fields) override;

 private:
  static constexpr std::size_t large = 32 * 1024;  // worth a send of its own rather than a copy

  void refuse(AttemptFailure failure, std::string_view reason);
  void close(const UpstreamFault& fault);
  HeadState take_head(std::string_view text, Exchange& exchange, ResponseHead& head, ResponseFraming& framing);
  void frame_body(ResponseFraming& framing) const;
  void wake();

  Http2UpstreamStreamPool& pool_;
  Http2Upstream* connection_ = nullptr;  // null: gone
  Session* session_ = nullptr;
  std::int32_t id_ = 0;
  LoopTime opened_at_{0};
  Http2ResponseHead head_;
  Http2BodyReader body_;
  Http2Outbox outbox_;
  std::string trailers_;
  UpstreamFault fault_;
  std::string_view malformed_;
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t progress_ = 0;  // as of the last flush()
  bool tunnel_ = false;
  bool has_body_ = false;
  bool ended_ = false;      // nothing will be added
  bool end_given_ = false;  // and the session has been told
  bool deferred_ = false;   // the session waits for resume()
  bool head_sent_ = false;
  bool head_complete_ = false;  // the final one arrived
  bool closed_ = false;
};

// Streams that are not in use.
class Http2UpstreamStreamPool {
 public:
  static constexpr std::size_t max_kept = 256;

  explicit Http2UpstreamStreamPool(const Limits& limits) : limits_(limits) {}

  Http2UpstreamStream& take();
  void give_back(Http2UpstreamStream& stream);

 private:
  const Limits& limits_;
  std::vector<std::unique_ptr<Http2UpstreamStream>> kept_;
};

}  // namespace fairlead

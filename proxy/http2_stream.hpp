#pragma once

#include <boost/intrusive/list.hpp>
#include <chrono>
#include <memory>
#include <vector>

#include "proxy/client_address.hpp"
#include "proxy/http2_body_reader.hpp"
#include "proxy/http2_request_head.hpp"
#include "proxy/http2_response_writer.hpp"
#include "proxy/session.hpp"
#include "proxy/worker_context.hpp"

namespace fairlead {

class Http2Connection;
class ExchangeFinisher;

using Http2ReadyHook = boost::intrusive::list_base_hook<boost::intrusive::tag<struct Http2Ready>,
                                                        boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
using Http2RoomHook = boost::intrusive::list_base_hook<boost::intrusive::tag<struct Http2Room>,
                                                       boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
using Http2StreamHook = boost::intrusive::list_base_hook<boost::intrusive::tag<Http2Connection>>;

// One stream of a client's connection: one Exchange, served by a chain of coroutines of its own. Taken from a Worker's
// pool.
class Http2Stream final : public Session,
                          public Http2Channel,
                          public Http2ReadyHook,
                          public Http2RoomHook,
                          public Http2StreamHook {
 public:
  explicit Http2Stream(WorkerContext& worker);

  void start(Http2Connection& connection, std::int32_t id);
  void stop();

  // Goes on with what it can; may give itself back to the pool.
  void run() override;
  std::int32_t id() const { return id_; }
  // The Exchange is over, or will never begin.
  bool done() const { return began_ ? task_.done() : response_.is_closed(); }
  bool is_closed() const { return response_.is_closed(); }
  // Of a request that was answered before it came whole, or could not be answered to the end: what to say to that.
  bool must_be_reset(Http2Error& code) const;
  // The client made the stream wrong.
  void malformed(std::string_view why) { malformed_ = why; }

  void on_field(std::string_view name, std::string_view value) override;
  void on_fields_end(bool ends_stream) override;
  void on_data(std::string_view piece) override;
  void on_end() override;
  void on_closed(Http2Error code, bool reset_by_peer) override;
  Http2Outgoing outgoing(std::size_t most) override;
  void give(std::size_t count, Output& output) override { response_.give(count, output); }
  void on_sent(std::size_t bytes, bool fields) override;

 private:
  Task<void> serve();
  int understand(Exchange& exchange, std::string_view& limit);
  Task<bool> drain(Exchange& exchange);

  WorkerContext& worker_;
  Http2Connection* connection_ = nullptr;
  std::int32_t id_ = 0;
  Http2RequestHead head_;
  Http2BodyReader body_;
  Http2ResponseWriter response_;
  std::chrono::microseconds arrived_{0};  // when the head began to
  bool head_complete_ = false;
  bool has_body_ = false;  // frames follow the head
  bool end_arrived_ = false;
  bool began_ = false;
  bool usable_ = true;  // the response went as far as it was to go
  std::string_view malformed_;
  Task<void> task_;
};

// Streams that are not in use.
class Http2StreamPool {
 public:
  static constexpr std::size_t max_kept = 256;

  Http2Stream& take(WorkerContext& worker);
  void give_back(Http2Stream& stream);

 private:
  std::vector<std::unique_ptr<Http2Stream>> kept_;
};

}  // namespace fairlead

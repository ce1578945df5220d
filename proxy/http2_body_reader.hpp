#pragma once

#include <string>

#include "proxy/body.hpp"
#include "proxy/http2_session.hpp"
#include "proxy/limits.hpp"

namespace fairlead {

// The body of one stream's message as its DATA frames bring it. What was not consumed is bounded by the window that the
// peer was given, which opens again as it is consumed.
class Http2BodyReader final : public BodyReader {
 public:
  static constexpr std::size_t kept_capacity = 16 * 1024;  // between two messages

  explicit Http2BodyReader(const Limits& limits) : limits_(limits) {}

  // tunnel: the message has no body; what arrives is for a tunnel that may begin later (RFC 8441).
  void start(Http2Session& session, std::int32_t stream, bool tunnel);
  void stop();

  void arrived(std::string_view piece);
  // One field of the trailers. False when they are too large.
  void trailer(std::string_view name, std::string_view value);
  void end_arrived() { complete_ = true; }
  // Nothing more arrives. why: of a message that the peer made wrong, or "" when it broke off.
  void cut(std::string_view why);

  bool complete() const { return complete_; }                 // the end has arrived
  std::size_t unread() const { return bytes_.size() - at_; }  // bytes that arrived and were not consumed

  BodyState pull(std::string_view& piece, bool may_read) override;
  void consume(std::size_t count) override;
  bool ended() const override { return tunnel_ == Tunnel::later || (complete_ && at_ == bytes_.size()); }
  bool ends_with(std::size_t count) const override { return complete_ && at_ + count == bytes_.size(); }
  std::uint64_t received() const override { return received_; }
  std::string_view trailers() const override { return trailers_; }
  std::string_view failure() const override { return failure_; }
  std::string_view limit() const override { return limit_; }
  void start_raw(std::size_t most) override;

 private:
  enum class Tunnel : std::uint8_t { none, later, now };

  const Limits& limits_;
  Http2Session* session_ = nullptr;
  std::int32_t stream_ = 0;
  std::string bytes_;  // unconsumed from at_ on
  std::size_t at_ = 0;
  std::uint64_t received_ = 0;
  std::string trailers_;
  std::size_t trailer_count_ = 0;
  bool complete_ = false;
  bool cut_ = false;
  Tunnel tunnel_ = Tunnel::none;
  std::string_view failure_;
  std::string_view limit_;
};

}  // namespace fairlead

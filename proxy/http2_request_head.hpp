#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "proxy/limits.hpp"
#include "router/load_balancer.hpp"

namespace fairlead {

// A request's head as its fields arrive, turned into the HTTP/1.1 head that says the same (RFC 9113 8.3): it is then
// read by the one strict parser that reads every other, and no check exists twice.
class Http2RequestHead {
 public:
  static constexpr std::size_t kept_capacity = 4 * 1024;  // between two requests

  explicit Http2RequestHead(const Limits& limits) : limits_(limits) {}

  void clear();
  // What is beyond the limits is not kept.
  void field(std::string_view name, std::string_view value);
  // 0, or the status to refuse with; limit: the one that was hit, or "".
  int complete(Random& random, std::string_view& limit);

  std::string_view text() const { return text_; }
  // Bytes of all fields, kept or not.
  std::size_t received() const { return received_; }
  // An extended CONNECT (RFC 8441), which the text asks as an Upgrade.
  bool is_tunnel() const { return !protocol_.empty(); }

 private:
  void pseudo(std::string_view name, std::string_view value);
  void append(std::string_view name, std::string_view value);
  void begin_text();
  void append_upgrade(Random& random);

  const Limits& limits_;
  std::string method_, path_, authority_, protocol_;
  std::string host_;
  std::string cookie_;  // the crumbs, joined (RFC 9113 8.2.3)
  std::string text_;
  std::size_t received_ = 0;
  std::size_t count_ = 0;
  bool several_hosts_ = false;
  bool too_long_ = false, too_large_ = false, too_many_ = false;
};

}  // namespace fairlead

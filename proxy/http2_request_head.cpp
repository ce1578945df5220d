#include "proxy/http2_request_head.hpp"

#include <array>

#include "proxy/kept_text.hpp"
#include "router/head.hpp"

namespace fairlead {
namespace {

constexpr std::string_view version = " HTTP/1.1\r\n";

// Sixteen random bytes in base64 (RFC 6455 4.1).
std::array<char, 24> websocket_key(Random& random) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<char, 24> key;
  const std::uint64_t halves[] = {random.next(), random.next()};
  const auto byte = [&](std::size_t i) {
    return i < 16 ? static_cast<std::uint32_t>(halves[i / 8] >> (i % 8 * 8) & 0xff) : 0u;
  };
  for (std::size_t i = 0; i < key.size() / 4; ++i) {
    const std::uint32_t three = byte(3 * i) << 16 | byte(3 * i + 1) << 8 | byte(3 * i + 2);
    for (std::size_t j = 0; j < 4; ++j) key[4 * i + j] = digits[three >> (18 - 6 * j) & 63];
  }
  key[22] = key[23] = '=';
  return key;
}

}  // namespace

void Http2RequestHead::clear() {
  for (std::string* text : {&method_, &path_, &authority_, &protocol_, &host_, &cookie_, &text_}) {
    clear_keeping(*text, kept_capacity);
  }
  received_ = count_ = 0;
  several_hosts_ = too_long_ = too_large_ = too_many_ = false;
}

void Http2RequestHead::field(std::string_view name, std::string_view value) {
  received_ += name.size() + value.size() + 4;
  if (received_ > limits_.max_request_head_bytes) too_large_ = true;
  if (too_large_) return;
  if (name.starts_with(':')) {
    pseudo(name, value);
    return;
  }
  if (++count_ > limits_.max_header_count) too_many_ = true;
  if (too_many_) return;
  if (text_.empty()) begin_text();
  if (name == "host") {
    several_hosts_ |= !host_.empty();
    host_ = value;
  } else if (name == "cookie") {
    if (!cookie_.empty()) {
      cookie_ += "; ";
      --count_;  // one field, in crumbs
    }
    cookie_ += value;
  } else if (!is_tunnel() || (name != "sec-websocket-key" && name != "content-length")) {
    append(name, value);
  }
}

void Http2RequestHead::pseudo(std::string_view name, std::string_view value) {
  if (name == ":method") {
    method_ = value;
  } else if (name == ":path") {
    path_ = value;
  } else if (name == ":authority") {
    authority_ = value;
  } else if (name == ":protocol") {
    protocol_ = value;
  }
}

void Http2RequestHead::append(std::string_view name, std::string_view value) {
  text_.append(name).append(": ").append(value).append("\r\n");
}

// Pseudo fields come first (RFC 9113 8.3), so the request line is known. CONNECT has no path: it is for an authority.
void Http2RequestHead::begin_text() {
  const std::string_view target = path_.empty() ? std::string_view(authority_) : std::string_view(path_);
  text_.append(is_tunnel() ? std::string_view("GET") : std::string_view(method_)).append(" ").append(target);
  too_long_ = text_.size() + version.size() > limits_.max_request_line_bytes + 2;
  text_.append(version);
}

void Http2RequestHead::append_upgrade(Random& random) {
  const std::array<char, 24> key = websocket_key(random);
  append("upgrade", protocol_);
  append("connection", "upgrade");
  append("sec-websocket-key", {key.data(), key.size()});
}

int Http2RequestHead::complete(Random& random, std::string_view& limit) {
  if (text_.empty()) begin_text();
  if (too_long_) {
    limit = "max_request_line_bytes";
    return 414;
  }
  if (too_large_ || too_many_) {
    limit = too_large_ ? "max_request_head_bytes" : "max_header_count";
    return 431;
  }
  if (is_tunnel() && protocol_ != "websocket") return 501;
  // RFC 9113 8.3.1: a Host that differs makes the request malformed.
  if (several_hosts_ || (!host_.empty() && !authority_.empty() && !equal_ignoring_case(host_, authority_))) return 400;
  if (!cookie_.empty()) append("cookie", cookie_);
  if (is_tunnel()) append_upgrade(random);
  append("host", authority_.empty() ? std::string_view(host_) : std::string_view(authority_));
  text_.append("\r\n");
  return 0;
}

}  // namespace fairlead

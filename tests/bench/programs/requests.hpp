#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

namespace fairlead::bench {

struct RequestOptions {
  std::string host = "bench.example.com";
  std::string path = "/";
  std::size_t upload = 0;  // bytes of the body, or of a WebSocket message
  bool chunked = false;
  bool close = false;
  bool websocket = false;
};

inline std::string chunked_body(std::size_t bytes) {
  constexpr std::size_t chunk = 4096;
  std::string text;
  for (std::size_t left = bytes; left > 0;) {
    const std::size_t size = std::min(left, chunk);
    std::array<char, 20> line{};
    std::snprintf(line.data(), line.size(), "%zx\r\n", size);
    text += line.data() + std::string(size, 'u') + "\r\n";
    left -= size;
  }
  return text + "0\r\n\r\n";
}

inline std::string request_text(const RequestOptions& options) {
  std::string text = (options.upload > 0 ? "POST " : "GET ") + options.path + " HTTP/1.1\r\nHost: " + options.host +
                     "\r\nUser-Agent: fairlead-bench\r\nAccept: */*\r\n";
  if (options.close) text += "Connection: close\r\n";
  if (options.upload == 0) return text + "\r\n";
  if (options.chunked) return text + "Transfer-Encoding: chunked\r\n\r\n" + chunked_body(options.upload);
  return text + "Content-Length: " + std::to_string(options.upload) + "\r\n\r\n" + std::string(options.upload, 'u');
}

inline std::string upgrade_text(const RequestOptions& options) {
  return "GET " + options.path + " HTTP/1.1\r\nHost: " + options.host +
         "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
}

// RFC 6455, 5.2: a text frame of up to 65,535 bytes, without mask.
inline std::string frame_head(std::size_t bytes, unsigned char mask_bit) {
  std::string head = "\x81";
  if (bytes < 126) {
    head += static_cast<char>(mask_bit | bytes);
  } else {
    head += static_cast<char>(mask_bit | 126);
    head += static_cast<char>(bytes >> 8);
    head += static_cast<char>(bytes & 0xff);
  }
  return head;
}

inline std::string server_message(std::size_t bytes) {
  return frame_head(bytes, 0) + std::string(bytes, 'w');
}

inline std::string client_message(std::size_t bytes) {
  constexpr std::array<char, 4> mask = {0x12, 0x34, 0x56, 0x78};
  std::string text = frame_head(bytes, 0x80) + std::string(mask.data(), mask.size());
  for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>('w' ^ mask[i % mask.size()]);
  return text;
}

}  // namespace fairlead::bench

// HTTP/2 connections over TLS that are left alone: one request on each, then nothing until standard input ends. Prints
// "ready" when all stand, and at the end one line of JSON, as bench_load --idle does.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

namespace fairlead::bench {
namespace {

constexpr timeval patience{30, 0};  // for one read

struct Options {
  std::uint16_t port = 0;
  std::string host = "bench.example.com";
  std::string path = "/";
  std::size_t connections = 50;
};

// What one exchange has shown so far.
struct Answer {
  SSL* ssl = nullptr;
  bool good = false;     // the status was 200
  bool ended = false;    // and the body came whole
  bool settled = false;  // our SETTINGS were acknowledged
};

ssize_t on_send(nghttp2_session*, const std::uint8_t* bytes, std::size_t size, int, void* user) {
  const int sent = SSL_write(static_cast<Answer*>(user)->ssl, bytes, static_cast<int>(size));
  return sent > 0 ? sent : NGHTTP2_ERR_CALLBACK_FAILURE;
}

int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size,
              const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
  const std::string_view field(reinterpret_cast<const char*>(name), name_size);
  if (field == ":status") {
    static_cast<Answer*>(user)->good = std::string_view(reinterpret_cast<const char*>(value), value_size) == "200";
  }
  return 0;
}

int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  const bool ack = frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
  static_cast<Answer*>(user)->settled |= ack;
  return 0;
}

int on_stream_close(nghttp2_session*, std::int32_t, std::uint32_t code, void* user) {
  static_cast<Answer*>(user)->ended = code == NGHTTP2_NO_ERROR;
  return 0;
}

nghttp2_session_callbacks* callbacks() {
  nghttp2_session_callbacks* made = nullptr;
  nghttp2_session_callbacks_new(&made);
  nghttp2_session_callbacks_set_send_callback(made, on_send);
  nghttp2_session_callbacks_set_on_header_callback(made, on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(made, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(made, on_stream_close);
  return made;
}

nghttp2_nv field(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

class Idle {
 public:
  explicit Idle(const Options& options)
      : options_(options), context_(SSL_CTX_new(TLS_client_method())), callbacks_(callbacks()) {
    SSL_CTX_set_min_proto_version(context_, TLS1_3_VERSION);
    SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_protos(context_, reinterpret_cast<const unsigned char*>("\x02h2"), 3);
  }

  int run() {
    for (std::size_t i = 0; i < options_.connections; ++i) {
      SSL* const ssl = open();
      if (ssl && exchange(ssl)) {
        ++good_;
        open_.push_back(ssl);
      } else {
        ++errors_;
      }
    }
    std::puts("ready");
    std::fflush(stdout);
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) continue;
    std::printf("{\"good\": %zu, \"errors\": %zu, \"closed\": %zu}\n", good_, errors_, closed());
    return 0;
  }

 private:
  SSL* open() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options_.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return nullptr;
    SSL* const ssl = SSL_new(context_);
    SSL_set_fd(ssl, fd);
    SSL_set_tlsext_host_name(ssl, options_.host.c_str());
    const unsigned char* protocol = nullptr;
    unsigned length = 0;
    if (SSL_connect(ssl) != 1) return nullptr;
    SSL_get0_alpn_selected(ssl, &protocol, &length);
    return length == 2 ? ssl : nullptr;
  }

  // The session is dropped afterwards, and with it what it would cost this program.
  bool exchange(SSL* ssl) {
    Answer answer{.ssl = ssl};
    nghttp2_session* session = nullptr;
    nghttp2_session_client_new(&session, callbacks_, &answer);
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0);
    const std::array<nghttp2_nv, 5> head{field(":method", "GET"), field(":scheme", "https"),
                                         field(":authority", options_.host), field(":path", options_.path),
                                         field("user-agent", "fairlead-bench")};
    nghttp2_submit_request(session, nullptr, head.data(), head.size(), nullptr, nullptr);
    std::array<std::uint8_t, 16 * 1024> bytes;
    while (nghttp2_session_send(session) == 0 && !(answer.ended && answer.settled)) {
      const int got = SSL_read(ssl, bytes.data(), static_cast<int>(bytes.size()));
      if (got <= 0 || nghttp2_session_mem_recv(session, bytes.data(), static_cast<std::size_t>(got)) < 0) break;
    }
    nghttp2_session_del(session);
    return answer.good && answer.ended && answer.settled;
  }

  // Connections on which something came since: nothing is due but a GOAWAY or the end.
  std::size_t closed() const {
    std::size_t count = 0;
    char byte = 0;
    for (SSL* const ssl : open_) count += ::recv(SSL_get_fd(ssl), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ? 1 : 0;
    return count;
  }

  const Options options_;
  SSL_CTX* const context_;
  nghttp2_session_callbacks* const callbacks_;
  std::vector<SSL*> open_;
  std::size_t good_ = 0, errors_ = 0;
};

}  // namespace
}  // namespace fairlead::bench

int main(int argc, char** argv) {
  fairlead::bench::Options options;
  CLI::App app("HTTP/2 connections over TLS that are left alone. 127.0.0.1 only.");
  app.add_option("--port", options.port)->required();
  app.add_option("--host", options.host);
  app.add_option("--path", options.path);
  app.add_option("--connections", options.connections);
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  return fairlead::bench::Idle(options).run();
}

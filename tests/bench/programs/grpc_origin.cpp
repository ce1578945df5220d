// An origin for gRPC: HTTP/2 in clear text, the same message to every request, and a status of 0 in the trailers. A
// path that ends in "/Stream" is answered by a hundred of them, each in a frame of its own. What it has answered is
// counted: GET /status says "requests N". One thread, epoll.
//
//   bench_grpc_origin PORT BYTES      BYTES: of each message
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::bench {
namespace {

std::uint64_t requests = 0;
constexpr int messages_of_stream = 100;
std::string message;   // with the five bytes that gRPC puts before it
std::string messages;  // of a stream
nghttp2_session_callbacks* callbacks = nullptr;

struct Connection {
  int fd = -1;
  nghttp2_session* session = nullptr;
  std::string out;
  ~Connection() {
    nghttp2_session_del(session);
    ::close(fd);
  }
};

struct Answer {
  std::string body;
  std::size_t at = 0;
  bool of_status = false;
  bool of_stream = false;
};

nghttp2_nv field(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

Answer* answer_of(nghttp2_session* session, std::int32_t stream) {
  return static_cast<Answer*>(nghttp2_session_get_stream_user_data(session, stream));
}

ssize_t read_body(nghttp2_session* session, std::int32_t stream, std::uint8_t* to, std::size_t most,
                  std::uint32_t* flags, nghttp2_data_source*, void*) {
  Answer& answer = *answer_of(session, stream);
  const std::size_t frame = answer.of_stream ? std::min(most, message.size()) : most;
  const std::size_t count = answer.body.copy(reinterpret_cast<char*>(to), frame, answer.at);
  answer.at += count;
  if (answer.at < answer.body.size()) return static_cast<ssize_t>(count);
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (answer.of_status) return static_cast<ssize_t>(count);
  *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  const nghttp2_nv trailer = field("grpc-status", "0");
  nghttp2_submit_trailer(session, stream, &trailer, 1);
  return static_cast<ssize_t>(count);
}

int on_begin(nghttp2_session* session, const nghttp2_frame* frame, void*) {
  if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, new Answer);
  }
  return 0;
}

int on_field(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
             const std::uint8_t* value, std::size_t value_size, std::uint8_t, void*) {
  const auto text = [](const std::uint8_t* bytes, std::size_t size) {
    return std::string_view(reinterpret_cast<const char*>(bytes), size);
  };
  Answer* const answer = answer_of(session, frame->hd.stream_id);
  if (!answer || text(name, name_size) != ":path") return 0;
  answer->of_status = text(value, value_size) == "/status";
  answer->of_stream = text(value, value_size).ends_with("/Stream");
  return 0;
}

int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void*) {
  const bool of_request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
  if (!of_request || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
  Answer* const answer = answer_of(session, frame->hd.stream_id);
  if (!answer) return 0;
  if (!answer->of_status) ++requests;
  answer->body = answer->of_status ? "requests " + std::to_string(requests) : answer->of_stream ? messages : message;
  const std::array<nghttp2_nv, 2> head{field(":status", "200"), field("content-type", "application/grpc")};
  nghttp2_data_provider body{};
  body.read_callback = read_body;
  nghttp2_submit_response(session, frame->hd.stream_id, head.data(), head.size(), &body);
  return 0;
}

int on_close(nghttp2_session* session, std::int32_t stream, std::uint32_t, void*) {
  delete answer_of(session, stream);
  return 0;
}

void make_callbacks() {
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_field);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
}

// False: the connection is over.
bool flush(Connection& connection) {
  const std::uint8_t* bytes = nullptr;
  for (ssize_t size = 0; (size = nghttp2_session_mem_send(connection.session, &bytes)) > 0;) {
    connection.out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
  while (!connection.out.empty()) {
    const ssize_t sent = ::send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    connection.out.erase(0, static_cast<std::size_t>(sent));
  }
  return nghttp2_session_want_read(connection.session) != 0;
}

bool on_ready(Connection& connection) {
  static std::array<char, 256 * 1024> bytes;
  for (;;) {
    const ssize_t got = ::recv(connection.fd, bytes.data(), bytes.size(), 0);
    if (got == 0) return false;
    if (got < 0) return errno == EAGAIN && flush(connection);
    const auto* const data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    if (nghttp2_session_mem_recv(connection.session, data, static_cast<std::size_t>(got)) < 0) return false;
    if (static_cast<std::size_t>(got) < bytes.size()) return flush(connection);
  }
}

int listen_on(std::uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener, 4096) != 0) {
    std::perror("bench_grpc_origin");
    std::exit(1);
  }
  return listener;
}

void add(int set, int fd, Connection* connection) {
  epoll_event event{};
  event.events = connection ? EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET : EPOLLIN;
  event.data.ptr = connection;
  ::epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

void accept_all(int set, int listener) {
  for (;;) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto* const connection = new Connection{.fd = fd, .session = nullptr, .out = {}};
    nghttp2_session_server_new(&connection->session, callbacks, connection);
    const nghttp2_settings_entry streams{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000};
    nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, &streams, 1);
    add(set, fd, connection);
  }
}

}  // namespace
}  // namespace fairlead::bench

int main(int argc, char** argv) {
  using namespace fairlead::bench;
  if (argc != 3) return std::fputs("usage: bench_grpc_origin PORT BYTES\n", stderr), 2;
  const auto size = static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10));
  message.push_back('\0');  // not compressed
  for (const int shift : {24, 16, 8, 0}) message.push_back(static_cast<char>(size >> shift & 0xff));
  message.append(size, 'm');
  for (int i = 0; i < messages_of_stream; ++i) messages += message;
  make_callbacks();
  const int listener = listen_on(static_cast<std::uint16_t>(std::atoi(argv[1])));
  const int set = ::epoll_create1(0);
  add(set, listener, nullptr);
  for (std::array<epoll_event, 256> events;;) {
    const int count = ::epoll_wait(set, events.data(), static_cast<int>(events.size()), -1);
    for (const epoll_event& event : std::vector(events.begin(), events.begin() + std::max(count, 0))) {
      auto* const connection = static_cast<Connection*>(event.data.ptr);
      if (!connection) {
        accept_all(set, listener);
      } else if (!on_ready(*connection)) {
        delete connection;
      }
    }
  }
}

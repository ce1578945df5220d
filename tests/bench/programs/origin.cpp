// An origin for what nginx cannot be: it answers in chunks, takes bodies of either framing, and speaks WebSocket by
// sending each message back. One thread, epoll, keep-alive. What it has answered is counted: GET /status.
//
//   bench_origin PORT
//   GET or POST /chunked/N    200 with N bytes in chunks of 4 KB     /fixed/N  200 with N bytes and their
//   Content-Length GET /websocket            101, then every message comes back     /status   200 "requests N messages
//   M"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "tests/bench/programs/requests.hpp"

namespace fairlead::bench {
namespace {

std::uint64_t requests = 0;
std::uint64_t messages = 0;
constexpr std::string_view head_end = "\r\n\r\n";

struct Connection {
  int fd = -1;
  std::string in;
  std::string path;           // of the request that is being read
  std::size_t body_left = 0;  // of its body, if that has a Content-Length: such bytes are counted and not kept
  std::string out;
  std::size_t sent = 0;
  bool tunnel = false;
};

// The same answers again and again: made once.
const std::string& answer_to(const std::string& path) {
  static std::map<std::string, std::string> known;
  std::string& answer = known[path];
  if (!answer.empty()) return answer;
  const std::size_t bytes = std::strtoul(path.c_str() + path.rfind('/') + 1, nullptr, 10);
  answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
  if (path.starts_with("/chunked/")) return answer += "Transfer-Encoding: chunked\r\n\r\n" + chunked_body(bytes);
  return answer += "Content-Length: " + std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, 's');
}

std::string status_answer() {
  const std::string body = "requests " + std::to_string(requests) + " messages " + std::to_string(messages);
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Bytes of the body that follows these header lines, if their number is said.
std::size_t content_length(const std::string& lines) {
  constexpr std::string_view name = "\r\ncontent-length: ";
  const char* const found = ::strcasestr(lines.c_str(), name.data());
  return found ? std::strtoul(found + name.size(), nullptr, 10) : 0;
}

void skip_body(Connection& connection, std::string_view& bytes) {
  const std::size_t count = std::min(bytes.size(), connection.body_left);
  connection.body_left -= count;
  bytes.remove_prefix(count);
}

// Takes the head of the request that begins the text, or all of one in chunks, off it. False: it is not there yet.
// Bodies come from our own generator through a proxy, so a chunked one ends with the first "0\r\n\r\n" after a line
// end.
bool take_request(Connection& connection) {
  std::string& in = connection.in;
  const std::size_t head = in.find(head_end);
  if (head == std::string::npos) return false;
  const std::string lines = in.substr(0, head + 2);
  std::size_t end = head + head_end.size();
  if (::strcasestr(lines.c_str(), "\r\ntransfer-encoding: chunked")) {
    const std::size_t last = in.find("\r\n0\r\n\r\n", end - 2);
    if (last == std::string::npos) return false;
    end = last + 7;
  }
  const std::size_t from = lines.find(' ') + 1;
  connection.path = lines.substr(from, lines.find(' ', from) - from);
  connection.body_left = content_length(lines);
  std::string_view rest = std::string_view(in).substr(end);
  skip_body(connection, rest);
  in.erase(0, in.size() - rest.size());
  return true;
}

void answer_request(Connection& connection) {
  const std::string path = std::exchange(connection.path, {});
  if (path == "/status") {
    connection.out += status_answer();
    return;
  }
  ++requests;
  connection.tunnel = path == "/websocket";
  connection.out += connection.tunnel
                        ? "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
                        : answer_to(path);
}

void answer_requests(Connection& connection) {
  while (!connection.tunnel && connection.body_left == 0) {
    if (connection.path.empty() && !take_request(connection)) return;
    if (connection.body_left == 0) answer_request(connection);
  }
}

void answer_messages(Connection& connection) {
  std::string& in = connection.in;
  while (in.size() >= 2) {
    std::size_t length = in[1] & 0x7f;
    std::size_t head = 6;
    if (length == 126) {
      if (in.size() < 4) return;
      length = static_cast<std::size_t>(static_cast<unsigned char>(in[2])) << 8 | static_cast<unsigned char>(in[3]);
      head = 8;
    }
    if (in.size() < head + length) return;
    connection.out += frame_head(length, 0);
    for (std::size_t i = 0; i < length; ++i) connection.out += static_cast<char>(in[head + i] ^ in[head - 4 + i % 4]);
    in.erase(0, head + length);
    ++messages;
  }
}

bool flush(Connection& connection) {
  while (connection.sent < connection.out.size()) {
    const ssize_t count = ::send(connection.fd, connection.out.data() + connection.sent,
                                 connection.out.size() - connection.sent, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN;
    connection.sent += static_cast<std::size_t>(count);
  }
  connection.out.clear();
  connection.sent = 0;
  return true;
}

// False: the connection is over.
bool on_ready(Connection& connection) {
  static char bytes[256 * 1024];
  while (true) {
    const ssize_t count = ::recv(connection.fd, bytes, sizeof bytes, 0);
    if (count == 0) return false;
    if (count < 0) return errno == EAGAIN && flush(connection);
    std::string_view arrived(bytes, static_cast<std::size_t>(count));
    skip_body(connection, arrived);
    connection.in += arrived;
    answer_requests(connection);
    if (connection.tunnel) answer_messages(connection);
    if (!flush(connection)) return false;
    if (static_cast<std::size_t>(count) < sizeof bytes) return true;
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
    std::perror("bench_origin");
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
  while (true) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    add(set, fd, new Connection{.fd = fd, .in = {}, .path = {}, .out = {}});
  }
}

}  // namespace
}  // namespace fairlead::bench

int main(int argc, char** argv) {
  using namespace fairlead::bench;
  if (argc != 2) return std::fputs("usage: bench_origin PORT\n", stderr), 2;
  const int listener = listen_on(static_cast<std::uint16_t>(std::atoi(argv[1])));
  const int set = ::epoll_create1(0);
  add(set, listener, nullptr);
  for (epoll_event events[256];;) {
    const int count = ::epoll_wait(set, events, 256, -1);
    for (int i = 0; i < count; ++i) {
      auto* const connection = static_cast<Connection*>(events[i].data.ptr);
      if (!connection) {
        accept_all(set, listener);
      } else if (!on_ready(*connection)) {
        ::close(connection->fd);
        delete connection;
      }
    }
  }
}

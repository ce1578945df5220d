#include "tests/support/raw_socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

namespace fairlead::test {
namespace {

std::string find_field(const std::string& head, std::string_view name, bool& found) {
  std::size_t line = head.find("\r\n");
  while (line != std::string::npos && line + 2 < head.size()) {
    const std::size_t begin = line + 2;
    line = head.find("\r\n", begin);
    const std::string text = head.substr(begin, line == std::string::npos ? line : line - begin);
    const std::size_t colon = text.find(':');
    if (colon == name.size() && strncasecmp(text.data(), name.data(), colon) == 0) {
      const std::size_t value = text.find_first_not_of(' ', colon + 1);
      found = true;
      return value == std::string::npos ? "" : text.substr(value);
    }
  }
  found = false;
  return "";
}

std::string field_of(const std::string& head, std::string_view name) {
  bool found = false;
  return find_field(head, name, found);
}

bool has_field(const std::string& head, std::string_view name) {
  bool found = false;
  find_field(head, name, found);
  return found;
}

bool read_chunked(RawSocket& socket, std::string& body, std::string& trailers) {
  for (;;) {
    const std::string line = socket.read_until("\r\n");
    if (!line.ends_with("\r\n")) return false;
    std::size_t size = 0;
    std::from_chars(line.data(), line.data() + line.size(), size, 16);
    if (size == 0) break;
    const std::string piece = socket.read_exactly(size);
    body += piece;
    if (piece.size() != size || socket.read_exactly(2) != "\r\n") return false;
  }
  for (;;) {
    const std::string line = socket.read_until("\r\n");
    if (line == "\r\n") return true;
    if (!line.ends_with("\r\n")) return false;
    trailers += line;
  }
}

// False when it is not complete.
bool read_body(RawSocket& socket, const std::string& head, bool until_close, std::string& body, std::string& trailers) {
  if (strcasecmp(field_of(head, "Transfer-Encoding").c_str(), "chunked") == 0) {
    return read_chunked(socket, body, trailers);
  }
  if (has_field(head, "Content-Length")) {
    const std::size_t size = std::stoull(field_of(head, "Content-Length"));
    body = socket.read_exactly(size);
    return body.size() == size;
  }
  if (until_close) body = socket.read_to_end();
  return true;
}

}  // namespace

RawSocket::RawSocket(int fd) : fd_(fd) {
  timeval wait{};
  wait.tv_sec = patience.count();
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

RawSocket RawSocket::connect(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    ::close(fd);
    return {};
  }
  return RawSocket(fd);
}

RawSocket::RawSocket(RawSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      buffer_(std::move(other.buffer_)),
      ended_(other.ended_),
      reset_(other.reset_) {}

RawSocket& RawSocket::operator=(RawSocket&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
    buffer_ = std::move(other.buffer_);
    ended_ = other.ended_;
    reset_ = other.reset_;
  }
  return *this;
}

RawSocket::~RawSocket() {
  close();
}

ssize_t RawSocket::receive(char* bytes, std::size_t count) {
  return ::recv(fd_, bytes, count, 0);
}

ssize_t RawSocket::transmit(const char* bytes, std::size_t count) {
  return ::send(fd_, bytes, count, MSG_NOSIGNAL);
}

bool RawSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = transmit(bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool RawSocket::fill() {
  char bytes[64 * 1024];
  if (ended_ || fd_ < 0) return false;
  ssize_t count;
  do {
    count = receive(bytes, sizeof bytes);
  } while (count < 0 && errno == EINTR);
  if (count < 0) reset_ = errno == ECONNRESET;
  if (count == 0 || reset_) ended_ = true;
  if (count > 0) buffer_.append(bytes, static_cast<std::size_t>(count));
  return count > 0;
}

std::string RawSocket::read_until(std::string_view end) {
  std::size_t at;
  while ((at = buffer_.find(end)) == std::string::npos) {
    if (!fill()) return std::exchange(buffer_, {});
  }
  const std::string taken = buffer_.substr(0, at + end.size());
  buffer_.erase(0, at + end.size());
  return taken;
}

std::string RawSocket::read_exactly(std::size_t count) {
  while (buffer_.size() < count && fill()) {
  }
  const std::string taken = buffer_.substr(0, count);
  buffer_.erase(0, taken.size());
  return taken;
}

std::string RawSocket::read_to_end() {
  while (fill()) {
  }
  return std::exchange(buffer_, {});
}

std::string RawSocket::read_some(std::size_t count) {
  if (buffer_.empty()) fill();
  return read_exactly(std::min(count, buffer_.size()));
}

bool RawSocket::at_end() {
  while (fill()) {
  }
  return ended_;
}

bool RawSocket::ends_here() {
  return read_to_end().empty() && ended_;
}

void RawSocket::finish() {
  ::shutdown(fd_, SHUT_WR);
}

void RawSocket::reset() {
  const linger hard{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close();
}

void RawSocket::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::string RawResponse::field(std::string_view name) const {
  return field_of(head, name);
}

bool RawResponse::has(std::string_view name) const {
  return has_field(head, name);
}

RawResponse read_response(RawSocket& socket, bool request_was_head) {
  RawResponse response;
  response.head = socket.read_until("\r\n\r\n");
  if (!response.head.starts_with("HTTP/1.") || !response.head.ends_with("\r\n\r\n")) return response;
  response.head.resize(response.head.size() - 4);
  std::from_chars(response.head.data() + 9, response.head.data() + 12, response.status);
  const bool bodiless = request_was_head || response.status < 200 || response.status == 204 || response.status == 304;
  response.complete = bodiless || read_body(socket, response.head, true, response.body, response.trailers);
  return response;
}

RawResponse ask(RawSocket& socket, std::string_view bytes, bool request_was_head) {
  socket.send(bytes);
  return read_response(socket, request_was_head);
}

std::string RawRequest::line() const {
  return head.substr(0, head.find("\r\n"));
}

std::string RawRequest::field(std::string_view name) const {
  return field_of(head, name);
}

bool RawRequest::has(std::string_view name) const {
  return has_field(head, name);
}

RawRequest read_request(RawSocket& socket) {
  RawRequest request;
  request.head = socket.read_until("\r\n\r\n");
  if (!request.head.ends_with("\r\n\r\n")) return request;
  request.head.resize(request.head.size() - 4);
  request.complete = read_body(socket, request.head, false, request.body, request.trailers);
  return request;
}

std::string chunk(std::string_view text) {
  char size[16];
  const auto end = std::to_chars(size, size + sizeof size, text.size(), 16).ptr;
  return std::string(size, end) + "\r\n" + std::string(text) + "\r\n";
}

}  // namespace fairlead::test

#include "tests/bench/programs/probe.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace fairlead::bench {
namespace {

sockaddr_in address_of(std::uint32_t host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(host);
  return address;
}

void quick(int socket) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// Every request is small and without a body.
bool tell(int socket) {
  std::array<char, 8192> bytes{};
  const ssize_t got = ::recv(socket, bytes.data(), bytes.size() - 1, 0);
  if (got <= 0) return false;
  sockaddr_in own{};
  socklen_t length = sizeof own;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &length);
  const std::string body = std::to_string(ntohl(own.sin_addr.s_addr) & 0xff);
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  return ::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL) > 0;
}

void add(int set, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  ::epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

void tell_all(int listener) {
  const int set = ::epoll_create1(0);
  add(set, listener);
  for (std::array<epoll_event, 64> events;;) {
    const int count = ::epoll_wait(set, events.data(), 64, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd != listener) {
        if (!tell(fd)) ::close(fd);
      } else if (const int socket = ::accept(listener, nullptr, nullptr); socket >= 0) {
        quick(socket);
        add(set, socket);
      }
    }
  }
}

}  // namespace

void start_telling_origin(std::uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = address_of(INADDR_ANY, port);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 1024) != 0) {
    std::perror("bench_cluster");
    std::exit(1);
  }
  std::thread([listener] { tell_all(listener); }).detach();
}

Probe::~Probe() {
  disconnect();
}

void Probe::disconnect() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

bool Probe::connect() {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  quick(socket_);
  const sockaddr_in address = address_of(INADDR_LOOPBACK, port_);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
  disconnect();
  return false;
}

Probe::Answer Probe::ask(const std::string& host, const std::string& path) {
  if (socket_ < 0 && !connect()) return {};
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  if (::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) < 0) return disconnect(), Answer{};
  Answer answer;
  std::string text;
  std::array<char, 16384> bytes{};
  while (true) {
    const ssize_t got = ::recv(socket_, bytes.data(), bytes.size(), 0);
    if (got <= 0) return disconnect(), Answer{};
    if (text.empty()) answer.at = std::chrono::steady_clock::now();
    text.append(bytes.data(), static_cast<std::size_t>(got));
    const std::size_t head = text.find("\r\n\r\n");
    if (head == std::string::npos) continue;
    const char* const length = ::strcasestr(text.c_str(), "\r\ncontent-length: ");
    if (!length) return disconnect(), Answer{};
    answer.status = std::atoi(text.c_str() + 9);
    answer.body = text.substr(head + 4);
    if (answer.body.size() >= std::strtoul(length + 18, nullptr, 10)) break;
  }
  if (::strcasestr(text.c_str(), "\r\nconnection: close")) disconnect();
  return answer;
}

std::optional<Probe::Time> Probe::until(const std::string& host, const std::string& path,
                                        const std::function<bool(const Answer&)>& right, std::chrono::seconds most) {
  const auto end = std::chrono::steady_clock::now() + most;
  while (std::chrono::steady_clock::now() < end) {
    const Answer answer = ask(host, path);
    if (answer.status != 0 && right(answer)) return answer.at;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return std::nullopt;
}

}  // namespace fairlead::bench

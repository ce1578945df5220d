#include "tests/bench/programs/client.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace fairlead::bench {
namespace {

// One thread reads all: what was received is used up before anything else is read.
char scratch[256 * 1024];

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS)) {
    std::perror("load: connect");
    std::exit(1);
  }
  return fd;
}

}  // namespace

Client::Client(int epoll_set, const Job& job, Tally& tally, ClientOwner& owner)
    : set_(epoll_set), job_(job), tally_(tally), owner_(owner) {}

Client::~Client() {
  close();
}

void Client::open() {
  state_ = State::resting;
  if (!owner_.may_open()) return;
  state_ = State::connecting;
  reader_.reset();
  fd_ = connect_to(job_.port);
  if (job_.tls) {
    ssl_ = SSL_new(job_.tls);
    SSL_set_fd(ssl_, fd_);
    SSL_set_tlsext_host_name(ssl_, job_.host.c_str());
    auto* const session = static_cast<SSL_SESSION*>(SSL_CTX_get_app_data(job_.tls));
    SSL_SESSION* const copy =
        job_.resume && session ? SSL_SESSION_dup(session) : nullptr;  // OpenSSL spoils what was used
    if (copy) SSL_set_session(ssl_, copy);
    SSL_SESSION_free(copy);
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = this;
  ::epoll_ctl(set_, EPOLL_CTL_ADD, fd_, &event);
}

void Client::close() {
  if (ssl_) {
    SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // else its session could not be resumed
    SSL_free(ssl_);
  }
  if (fd_ >= 0) ::close(fd_);
  ssl_ = nullptr;
  fd_ = -1;
}

void Client::begin() {
  state_ = State::busy;
  unsent_ = job_.request;
  echoed_ = 0;
  reader_.reset();
  if (send_rest() == Io::end) lost();  // an answer makes a new edge
}

void Client::on_ready() {
  advance();
}

void Client::advance() {
  bool moved = true;
  while (moved) {
    switch (state_) {
      case State::connecting:
      case State::handshaking:
        moved = connect_step();
        break;
      case State::upgrading:
      case State::busy:
        moved = exchange_step();
        break;
      case State::idle:
      case State::closing:
        moved = closing_step();
        break;
      case State::resting:
        moved = false;
    }
  }
}

bool Client::connect_step() {
  if (state_ == State::connecting) {
    sockaddr_in peer{};
    socklen_t length = sizeof peer;
    if (::getpeername(fd_, reinterpret_cast<sockaddr*>(&peer), &length) != 0) {
      int problem = 0;
      length = sizeof problem;
      ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &problem, &length);
      if (problem != 0) lost();
      return false;
    }
    state_ = State::handshaking;
  }
  if (ssl_) {
    const int done = SSL_connect(ssl_);
    if (done != 1) {
      const int why = SSL_get_error(ssl_, done);
      if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) lost();
      return false;
    }
    if (SSL_session_reused(ssl_)) ++tally_.resumed;
  }
  ++tally_.connected;
  stands();
  return state_ != State::busy;
}

void Client::stands() {
  if (job_.upgrade.empty()) return become_ready();
  state_ = State::upgrading;
  unsent_ = job_.upgrade;
}

void Client::become_ready() {
  state_ = State::idle;
  owner_.ready(*this);
}

Client::Io Client::send_rest() {
  while (!unsent_.empty()) {
    ssize_t sent = 0;
    if (ssl_) {
      sent = SSL_write(ssl_, unsent_.data(), static_cast<int>(unsent_.size()));
      if (sent <= 0) {
        const int why = SSL_get_error(ssl_, static_cast<int>(sent));
        return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? Io::again : Io::end;
      }
    } else {
      sent = ::send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN ? Io::again : Io::end;
    }
    unsent_.remove_prefix(static_cast<std::size_t>(sent));
  }
  return Io::done;
}

Client::Io Client::receive(char* into, std::size_t most, std::size_t& count) {
  if (ssl_) {
    const int got = SSL_read(ssl_, into, static_cast<int>(most));
    if (got <= 0) {
      const int why = SSL_get_error(ssl_, got);
      return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? Io::again : Io::end;
    }
    count = static_cast<std::size_t>(got);
    return Io::done;
  }
  const ssize_t got = ::recv(fd_, into, most, 0);
  if (got < 0) return errno == EAGAIN ? Io::again : Io::end;
  count = static_cast<std::size_t>(got);
  return got == 0 ? Io::end : Io::done;
}

bool Client::exchange_step() {
  if (send_rest() == Io::end) {
    lost();
    return false;
  }
  std::size_t count = 0;
  switch (receive(scratch, sizeof scratch, count)) {
    case Io::again:
      return false;
    case Io::end:
      lost();
      return false;
    case Io::done:
      return take_answer({scratch, count});
  }
  return false;
}

bool Client::take_answer(std::string_view bytes) {
  if (state_ == State::busy && !job_.upgrade.empty()) {
    const bool right = bytes == std::string_view(job_.echo).substr(echoed_, bytes.size());
    echoed_ += bytes.size();
    if (right && echoed_ < job_.echo.size()) return true;
    tally_.body_bytes += echoed_;
    end_exchange(right && echoed_ == job_.echo.size());
    return state_ != State::busy;
  }
  const std::size_t taken = reader_.take(bytes);
  if (reader_.broken() || taken < bytes.size()) {  // never more than was asked for
    lost();
    return false;
  }
  if (!reader_.done()) return true;
  if (state_ == State::upgrading) {
    if (reader_.status() != 101) {
      lost();
      return false;
    }
    become_ready();
    return state_ != State::busy;
  }
  tally_.body_bytes += reader_.body_bytes();
  end_exchange(reader_.status() == job_.status);
  return state_ != State::busy;
}

void Client::end_exchange(bool good) {
  ++(good ? tally_.good : tally_.errors);
  owner_.ended(*this);
  if (!job_.one_request_a_connection) return become_ready();
  state_ = State::closing;  // the other side was asked to close
}

// Between two exchanges nothing but a TLS session ticket may arrive.
bool Client::closing_step() {
  std::size_t count = 0;
  const Io got = receive(scratch, sizeof scratch, count);
  if (got == Io::again) return false;
  if (got == Io::done) ++tally_.errors;
  if (state_ == State::idle) ++tally_.closed;
  close();
  open();
  return false;
}

void Client::lost() {
  const bool exchanging = state_ == State::busy;
  ++tally_.errors;
  if (exchanging) ++tally_.closed;
  close();
  if (exchanging) owner_.ended(*this);
  open();
}

}  // namespace fairlead::bench

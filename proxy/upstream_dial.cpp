#include "proxy/upstream_dial.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "proxy/plain_stream.hpp"
#include "proxy/socket_address.hpp"
#include "proxy/tls_stream.hpp"

namespace fairlead {
namespace {

std::string_view reason_of_errno(int error) {
  switch (error) {
    case ECONNREFUSED:
      return "the upstream refused the connection";
    case EHOSTUNREACH:
    case ENETUNREACH:
      return "the upstream is unreachable";
    case ETIMEDOUT:
      return "the upstream did not answer";
    case EMFILE:
    case ENFILE:
      return "no file descriptor is left";
    case EADDRNOTAVAIL:
      return "no local port is left";
    default:
      return "the connection could not be made";
  }
}

std::unique_ptr<Stream> make_stream(WorkerContext& worker, UpstreamProtocol protocol) {
  if (!over_tls(protocol)) return std::make_unique<PlainStream>();
  const std::string_view agreed = is_http2(protocol) ? "h2" : "";
  return std::make_unique<TlsStream>(worker.shared.client_tls.connect(agreed), worker.tls_scratch);
}

// 0, or an errno. EINPROGRESS is no error: the socket becomes writable when it is done.
int begin_connect(Socket& socket, const Endpoint& endpoint, ReadinessSet& readiness) {
  const SocketAddress address(endpoint);
  socket.fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (socket.fd < 0) return errno;
  const int on = 1;
  ::setsockopt(socket.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket.fd, address.get(), address.size()) != 0 && errno != EINPROGRESS) return errno;
  return readiness.add(socket) ? 0 : ENOMEM;
}

int socket_error(const Socket& socket) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

}  // namespace

UpstreamDial::UpstreamDial(WorkerContext& worker, const EndpointState& endpoint, EventTarget& target)
    : protocol_(endpoint.protocol), stream_(make_stream(worker, endpoint.protocol)) {
  worker.metrics.counters.upstream_connects.add();
  Socket& socket = stream_->socket();
  socket.target = &target;
  if (const int error = begin_connect(socket, endpoint.endpoint, worker.readiness); error != 0) {
    fail(reason_of_errno(error));
  }
}

UpstreamDial::State UpstreamDial::step() {
  if (state_ == State::connecting && stream_->socket().writable) state_ = connected();
  if (state_ == State::handshaking) state_ = handshake();
  return state_;
}

UpstreamDial::State UpstreamDial::connected() {
  if (const int error = socket_error(stream_->socket()); error != 0) return fail(reason_of_errno(error));
  return over_tls(protocol_) ? State::handshaking : State::done;
}

UpstreamDial::State UpstreamDial::handshake() {
  TlsStream& stream = static_cast<TlsStream&>(*stream_);
  const TlsResult result = stream.handshake();
  if (result == TlsResult::failed || result == TlsResult::closed) {
    return fail("the TLS handshake with the upstream failed");
  }
  if (result != TlsResult::done) return State::handshaking;
  if (is_http2(protocol_) && !stream.chose("h2"))
    return fail("the upstream did not choose HTTP/2 in the TLS handshake");
  return State::done;
}

UpstreamDial::State UpstreamDial::fail(std::string_view reason) {
  fault_ = {AttemptFailure::connect_refused, reason, {}};
  return state_ = State::failed;
}

}  // namespace fairlead

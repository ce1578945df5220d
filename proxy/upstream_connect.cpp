#include "proxy/upstream_connect.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

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

Connected failed(AttemptFailure failure, std::string_view reason) {
  Connected result;
  result.failure = failure;
  result.reason = reason;
  return result;
}

Connected refused(int error) {
  return failed(AttemptFailure::connect_refused, reason_of_errno(error));
}

std::unique_ptr<Stream> make_stream(WorkerContext& worker, UpstreamProtocol protocol) {
  if (!over_tls(protocol)) return std::make_unique<PlainStream>();
  return std::make_unique<TlsStream>(worker.shared.client_tls.connect(), worker.tls_scratch);
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

Task<Connected> handshake(ClientSide& client, TlsStream& stream, LoopTime timeout) {
  const LoopTime deadline = client.session.now() + timeout;
  for (;;) {
    const TlsResult result = stream.handshake();
    if (result == TlsResult::done) co_return Connected{};
    if (result == TlsResult::failed || result == TlsResult::closed) {
      co_return failed(AttemptFailure::connect_refused, "the TLS handshake with the upstream failed");
    }
    if (!co_await client.session.wait_until(deadline)) {
      co_return failed(AttemptFailure::connect_timeout, "the TLS handshake with the upstream took too long");
    }
  }
}

}  // namespace

Task<Connected> connect_upstream(ClientSide& client, std::shared_ptr<EndpointState> endpoint, LoopTime timeout) {
  WorkerContext& worker = client.worker;
  worker.metrics.counters.upstream_connects.add();
  std::unique_ptr<Stream> stream = make_stream(worker, endpoint->protocol);
  Socket& socket = stream->socket();
  socket.target = &client.session;
  if (const int error = begin_connect(socket, endpoint->endpoint, worker.readiness); error != 0) {
    co_return refused(error);
  }
  const LoopTime deadline = client.session.now() + timeout;
  while (!socket.writable) {
    if (!co_await client.session.wait_until(deadline)) {
      co_return failed(AttemptFailure::connect_timeout, "the connection to the upstream took too long");
    }
    if (client.response.client_broke() || (client.body.ended() && client.response.client_gone(0))) {
      Connected gone;
      gone.client_gone = true;
      co_return gone;
    }
  }
  if (const int error = socket_error(socket); error != 0) co_return refused(error);
  if (over_tls(endpoint->protocol)) {
    Connected shaken = co_await handshake(client, static_cast<TlsStream&>(*stream), timeout);
    if (!shaken.reason.empty()) co_return std::move(shaken);
  }
  Connected result;
  result.connection = std::make_unique<UpstreamConnection>(worker.upstreams, std::move(endpoint), std::move(stream),
                                                           worker.scratch, worker.gather, worker.limits);
  co_return std::move(result);
}

}  // namespace fairlead

#include "proxy/connection.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "proxy/http1_connection.hpp"
#include "proxy/http2_connection.hpp"
#include "proxy/proxy_header.hpp"

namespace fairlead {
namespace {

constexpr std::uint16_t https_port = 443;
// What is forgotten of a plain request at the https port: so many buffers' worth, for others wait meanwhile.
constexpr int max_forgotten_reads = 16;

}  // namespace

Connection::Connection(Connections& owner, WorkerContext& worker, int fd, const ClientAddress& address,
                       std::unique_ptr<TlsStream> tls)
    : ClientStream(std::move(tls)), ClientLink(worker, either(), address), owner_(owner) {
  stream().socket().fd = fd;
  stream().socket().target = this;
}

Connection::~Connection() = default;

bool Connection::start() {
  if (!worker().readiness.add(stream().socket())) return false;
  next_ = tls() || worker().options.use_proxy_protocol ? open() : Http1Connection::serve(*this);
  go_on();
  return true;
}

void Connection::run() {
  resume();
  if (task_.done()) go_on();
}

// Where no coroutine is under way.
void Connection::go_on() {
  do {
    if (!next_) return owner_.remove(*this);
    task_ = std::move(next_);
    task_.start();
  } while (task_.done());
}

void Connection::go_on_as_http2(std::string_view unread) {
  next_ = serve_http2(std::string(unread));
}

// What comes before HTTP. Begins with the Snapshot whose certificates the TLS session was made with, and holds it until
// they are negotiated.
Task<void> Connection::open() {
  const SnapshotRef certificates = worker().snapshot;
  const Counted reading(worker().metrics.counters.reading);
  if (worker().options.use_proxy_protocol && !co_await read_proxy_header()) co_return;
  if (tls() && !co_await handshake()) co_return;
  if (tls() && tls()->chose("h2")) {
    go_on_as_http2({});
  } else {
    next_ = Http1Connection::serve(*this);
  }
}

Task<void> Connection::serve_http2(std::string early) {
  Http2Connection http(*this, worker(), stream(), address());
  co_await http.run(std::move(early));
}

// Looks at what has arrived without taking it, so that not a byte behind the header is lost to TLS.
// False: this connection is no good.
bool Connection::accept_proxy_header(bool& complete) {
  Socket& socket = stream().socket();
  std::array<char, std::max(max_proxy_header_v1, max_proxy_header_v2)> bytes;
  const ssize_t count = ::recv(socket.fd, bytes.data(), bytes.size(), MSG_PEEK);
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return false;
  if (count < 0) return true;
  const ProxyHeader header = parse_proxy_header({bytes.data(), static_cast<std::size_t>(count)});
  if (header.state == ProxyHeaderState::bad) return false;
  if (header.state == ProxyHeaderState::incomplete) return !socket.peer_closed;
  if (::recv(socket.fd, bytes.data(), header.size, 0) != static_cast<ssize_t>(header.size)) return false;
  complete = true;
  const std::vector<Cidr>& trusted = worker().options.proxy_real_ip_cidr;
  const bool believed = trusted.empty() || std::any_of(trusted.begin(), trusted.end(), [&](const Cidr& cidr) {
                          return cidr.contains(address_.address);
                        });
  if (header.has_addresses && believed) {
    address_.address = header.source;
    address_.port = header.source_port;
    address_.local_port = header.destination_port;
    address_.tls_before = header.destination_port == https_port;  // contract 2.4.3
  }
  return true;
}

Task<bool> Connection::read_proxy_header() {
  const LoopTime deadline = now() + worker().limits.proxy_header_timeout;
  bool complete = false;
  for (;;) {
    if (!accept_proxy_header(complete)) break;
    if (complete) co_return true;
    if (!co_await wait_until(deadline)) {
      worker().metrics.counters.limit_hits.add("proxy_header_timeout");
      break;
    }
  }
  worker().shared.log.debug("a connection without a usable PROXY header was closed");
  co_return false;
}

Task<bool> Connection::handshake() {
  const LoopTime deadline = now() + worker().limits.tls_handshake_timeout;
  WorkerCounters& counters = worker().metrics.counters;
  for (;;) {
    const TlsResult result = tls()->handshake();
    if (result == TlsResult::done) break;
    bool over = result == TlsResult::failed || result == TlsResult::closed;
    if (tls()->spoke_plain_http()) {
      counters.tls_failures.add();
      answer_plain_http();
      co_return false;
    }
    if (!over && !co_await wait_until(deadline)) {
      counters.limit_hits.add("tls_handshake_timeout");
      over = true;
    }
    if (over) {
      counters.tls_failures.add();
      co_return false;
    }
  }
  counters.tls_handshakes.add();
  address_.server_name = ServerContext::server_name(tls()->session());
  co_return true;
}

// Before any TLS was spoken, so the answer is plain, too.
void Connection::answer_plain_http() {
  static constexpr std::string_view body =
      "<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n<body>\r\n"
      "<center><h1>400 Bad Request</h1></center>\r\n<center>The plain HTTP request was sent to HTTPS port</center>\r\n"
      "<hr><center>fairlead</center>\r\n</body>\r\n</html>\r\n";
  const std::string answer =
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\nConnection: close\r\n\r\n" + std::string(body);
  const int fd = stream().socket().fd;
  (void)!::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
  ::shutdown(fd, SHUT_WR);
  std::array<char, 16 * 1024> forgotten;  // what is unread at close would turn it into a reset
  for (int reads = 0; reads < max_forgotten_reads; ++reads) {
    if (::recv(fd, forgotten.data(), forgotten.size(), MSG_DONTWAIT) <= 0) return;
  }
}

Connections::~Connections() {
  close_all();
}

void Connections::add(int fd, const ClientAddress& address) {
  WorkerCounters& counters = worker_.metrics.counters;
  if (worker_.shared.connections.fetch_add(1, std::memory_order_relaxed) >= worker_.limits.max_connections) {
    worker_.shared.connections.fetch_sub(1, std::memory_order_relaxed);
    ::close(fd);
    counters.shed.add();
    counters.limit_hits.add("max_connections");
    if (pace_.due(worker_.readiness.now())) {
      worker_.shared.log.warning("max-connections are open: new ones are closed at once");
    }
    return;
  }
  counters.accepted.add();
  counters.active.add();
  std::unique_ptr<TlsStream> tls;
  if (address.tls) {
    tls = std::make_unique<TlsStream>(worker_.shared.server_tls.accept(*worker_.snapshot->certificates),
                                      worker_.tls_scratch);
  }
  Connection* const connection = new Connection(*this, worker_, fd, address, std::move(tls));
  list_.push_back(*connection);
  ++count_;
  if (!connection->start()) remove(*connection);
}

void Connections::remove(Connection& connection) {
  list_.erase(list_.iterator_to(connection));
  --count_;
  delete &connection;
  worker_.shared.connections.fetch_sub(1, std::memory_order_relaxed);
  worker_.metrics.counters.active.remove();
}

void Connections::wake_all() {
  for (Connection& connection : list_) worker_.readiness.queue(connection);
}

void Connections::close_all() {
  while (!list_.empty()) remove(list_.front());
}

}  // namespace fairlead

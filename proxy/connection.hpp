#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>

#include "proxy/client_link.hpp"
#include "proxy/log_pace.hpp"
#include "proxy/plain_stream.hpp"

namespace fairlead {

class Connections;

// A stream that lies here if it is plain, which needs next to nothing, or elsewhere if it is of TLS.
class ClientStream {
 protected:
  explicit ClientStream(std::unique_ptr<TlsStream> tls) : tls_(std::move(tls)) {}

  Stream& either() { return tls_ ? static_cast<Stream&>(*tls_) : plain_; }
  TlsStream* tls() { return tls_.get(); }

 private:
  PlainStream plain_;
  const std::unique_ptr<TlsStream> tls_;
};

// One client's connection from accept to close: PROXY header, TLS handshake, then HTTP. Owned by Connections, and given
// up by itself when its coroutines are at their end.
class Connection final : private ClientStream,
                         public ClientLink,
                         public boost::intrusive::list_base_hook<boost::intrusive::tag<Connections>> {
 public:
  // tls: null for a plain one.
  Connection(Connections& owner, WorkerContext& worker, int fd, const ClientAddress& address,
             std::unique_ptr<TlsStream> tls);
  ~Connection() override;

  // Registers the socket and runs until the first wait; may destroy this. False: the kernel has no memory for it.
  bool start();
  void run() override;  // may destroy this

 private:
  void go_on();
  void go_on_as_http2(std::string_view unread) override;
  Task<void> open();
  Task<void> serve_http2(std::string early);
  Task<bool> read_proxy_header();
  Task<bool> handshake();
  bool accept_proxy_header(bool& complete);
  void answer_plain_http();

  Connections& owner_;
  // One coroutine after the other: an idle connection has the frame of one that serves, and of none that led to it.
  Task<void> task_;
  Task<void> next_;
};

// The client connections of one Worker.
class Connections {
 public:
  explicit Connections(WorkerContext& worker) : worker_(worker) {}
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // Takes the descriptor. Closed at once, and counted as shed, when max_connections are open.
  void add(int fd, const ClientAddress& address);
  void remove(Connection& connection);
  std::size_t count() const { return count_; }
  // Lets every connection look at worker.leaving and worker.draining.
  void wake_all();
  void close_all();

 private:
  using List = boost::intrusive::list<
      Connection, boost::intrusive::base_hook<boost::intrusive::list_base_hook<boost::intrusive::tag<Connections>>>>;
  WorkerContext& worker_;
  List list_;
  std::size_t count_ = 0;
  LogPace pace_;  // of warnings that max_connections are open
};

}  // namespace fairlead

#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>

#include "proxy/http1_connection.hpp"
#include "proxy/log_pace.hpp"
#include "proxy/session.hpp"

namespace fairlead {

class Connections;

// One client's connection from accept to close: PROXY header, TLS handshake, then HTTP. Owned by Connections, and given
// up by itself when its coroutine is at its end.
class Connection final : public Session, public boost::intrusive::list_base_hook<boost::intrusive::tag<Connections>> {
 public:
  Connection(Connections& owner, WorkerContext& worker, int fd, const ClientAddress& address);
  ~Connection() override;

  // Registers the socket and runs until the first wait. False: the kernel has no memory for it.
  bool start();
  void run() override;  // may destroy this

 private:
  Task<void> serve();
  Task<void> serve_http2(std::string early);
  Task<bool> read_proxy_header();
  Task<bool> handshake();
  bool accept_proxy_header(bool& complete);
  void answer_plain_http();

  Connections& owner_;
  WorkerContext& worker_;
  ClientAddress address_;
  std::unique_ptr<Stream> stream_;
  SnapshotRef handshake_snapshot_;  // holds the certificates while they are negotiated
  Task<void> task_;
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

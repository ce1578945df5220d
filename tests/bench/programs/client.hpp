#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/bench/programs/response_reader.hpp"

namespace fairlead::bench {

using Clock = std::chrono::steady_clock;

// What every connection of a run does.
struct Job {
  std::uint16_t port = 0;
  SSL_CTX* tls = nullptr;  // null: plain
  std::string host;
  std::string request;  // sent for each exchange
  int status = 200;     // expected
  std::string upgrade;  // WebSocket: sent first, answered 101; then a request is a message,
  std::string echo;     // and this is what comes back
  bool one_request_a_connection = false;
  bool resume = false;  // TLS sessions
};

// What happened in the whole run.
struct Tally {
  std::uint64_t good = 0;    // exchanges answered as expected
  std::uint64_t errors = 0;  // answered otherwise, or not at all
  std::uint64_t closed = 0;  // connections that the other side closed though they were to be kept
  std::uint64_t resumed = 0;
  std::uint64_t connected = 0;
  std::uint64_t body_bytes = 0;
};

class Client;

// Who decides what the Clients do, and is told how it went. Called on the Clients' thread.
class ClientOwner {
 public:
  virtual ~ClientOwner() = default;
  virtual void ready(Client& client) = 0;  // for an exchange: call begin(), now or later
  virtual void ended(Client& client) = 0;  // an exchange, well or not; ready() follows if the connection is kept
  virtual bool may_open() = 0;             // asked before each connection; false: the Client rests for good
};

// One connection to 127.0.0.1: plain or TLS, edge-triggered in an epoll set, one exchange at a time. When it is closed,
// it opens a new one by itself. Belongs to one thread.
class Client {
 public:
  Client(int epoll_set, const Job& job, Tally& tally, ClientOwner& owner);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void open();
  void begin();  // an exchange; only when idle
  void on_ready();
  bool idle() const { return state_ == State::idle; }
  bool resting() const { return state_ == State::resting; }  // closed, and not to be opened again

  Clock::time_point due;  // for the caller: when the exchange should have begun

 private:
  enum class State { resting, connecting, handshaking, upgrading, idle, busy, closing };
  enum class Io { done, again, end };

  void advance();
  bool connect_step();  // these: true when the state has changed
  bool exchange_step();
  bool closing_step();
  void stands();
  void become_ready();
  Io send_rest();
  Io receive(char* into, std::size_t most, std::size_t& count);
  bool take_answer(std::string_view bytes);
  void end_exchange(bool good);
  void lost();
  void close();

  const int set_;
  const Job& job_;
  Tally& tally_;
  ClientOwner& owner_;
  State state_ = State::resting;
  int fd_ = -1;
  SSL* ssl_ = nullptr;
  std::string_view unsent_;
  std::size_t echoed_ = 0;
  ResponseReader reader_;
};

}  // namespace fairlead::bench

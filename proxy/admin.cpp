#include "proxy/admin.hpp"

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "proxy/admin_http.hpp"
#include "proxy/admin_pages.hpp"

namespace fairlead {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;

constexpr auto pause_after_accept_error = std::chrono::milliseconds(100);
constexpr auto linger_time = std::chrono::milliseconds(1000);

// Held by its coroutine and by the handler of its timer.
struct Connection {
  explicit Connection(tcp::socket accepted) : socket(std::move(accepted)), timer(socket.get_executor()) {}

  // Ends what is waited for when it takes longer than this.
  static void limit(const std::shared_ptr<Connection>& self, std::chrono::milliseconds time) {
    self->timer.expires_after(time);
    self->timer.async_wait([self](const error_code& error) {
      if (error || self->timer.expiry() > asio::steady_timer::clock_type::now()) return;
      error_code ignored;
      self->socket.close(ignored);
    });
  }

  tcp::socket socket;
  asio::steady_timer timer;
  std::string received;
};

Result<tcp::acceptor> listen_on(asio::io_context& io, const tcp::endpoint& endpoint) {
  tcp::acceptor acceptor(io);
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) return acceptor;
  const std::string host = endpoint.address().is_unspecified() ? "" : endpoint.address().to_string();
  return Failure{"cannot listen on port " + std::to_string(endpoint.port()) + (host.empty() ? "" : " of " + host) +
                 " for the admin pages: " + error.message()};
}

Result<tcp::acceptor> listen_on(asio::io_context& io, const AdminOptions& options) {
  if (options.host.empty()) {
    // One socket for both families, unless the machine has no IPv6.
    auto both = listen_on(io, tcp::endpoint(tcp::v6(), options.port));
    return both ? std::move(both) : listen_on(io, tcp::endpoint(tcp::v4(), options.port));
  }
  error_code error;
  const auto address = asio::ip::make_address(options.host, error);
  if (error) return Failure{"cannot listen on \"" + options.host + "\" for the admin pages: it is no IP address"};
  return listen_on(io, tcp::endpoint(address, options.port));
}

class AdminServer final : public Admin {
 public:
  AdminServer(AdminOptions options, AdminSources sources, Log& log)
      : options_(std::move(options)), sources_(std::move(sources)), log_(log), acceptor_(io_), room_(io_) {}

  ~AdminServer() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  std::uint16_t port() const override { return port_; }

  // Nothing when it listens and serves.
  Result<void> begin() {
    auto acceptor = listen_on(io_, options_);
    if (!acceptor) return std::move(acceptor).error();
    acceptor_ = std::move(*acceptor);
    port_ = acceptor_.local_endpoint().port();
    asio::co_spawn(io_, accept_all(), asio::detached);
    thread_ = std::thread([this] { io_.run(); });
    return {};
  }

 private:
  asio::awaitable<void> accept_all() {
    while (true) {
      while (connections_ >= options_.max_connections) co_await wait(asio::steady_timer::duration::max());
      error_code error;
      tcp::socket socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (error == asio::error::operation_aborted) co_return;
      if (error) {
        log_.warning("admin pages: cannot accept a connection: " + error.message());
        co_await wait(pause_after_accept_error);
        continue;
      }
      ++connections_;
      asio::co_spawn(io_, serve(std::make_shared<Connection>(std::move(socket))), [this](const std::exception_ptr&) {
        --connections_;
        room_.cancel();
      });
    }
  }

  // Until a connection ends, or the time is over.
  asio::awaitable<void> wait(asio::steady_timer::duration time) {
    room_.expires_at(time == asio::steady_timer::duration::max() ? asio::steady_timer::time_point::max()
                                                                 : asio::steady_timer::clock_type::now() + time);
    error_code ignored;
    co_await room_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  asio::awaitable<void> serve(std::shared_ptr<Connection> connection) {
    bool keep_alive = true;
    while (keep_alive) {
      Connection::limit(connection, options_.request_timeout);
      const auto request = co_await read(*connection);
      if (!request) break;
      const AdminAnswer answer = request->objection ? *request->objection : page(request->target);
      keep_alive = request->keep_alive && !request->objection;
      const std::string head = admin_response_head(answer, keep_alive);
      Connection::limit(connection, options_.request_timeout);
      const std::array<asio::const_buffer, 2> parts{
          asio::buffer(head), request->is_head ? asio::const_buffer() : asio::buffer(answer.body)};
      error_code error;
      co_await asio::async_write(connection->socket, parts, asio::redirect_error(asio::use_awaitable, error));
      if (error) break;
    }
    Connection::limit(connection, linger_time);
    co_await finish(*connection);
    connection->timer.cancel();
  }

  // What the client still sends is thrown away for a while: closing at once would take the answer from it.
  asio::awaitable<void> finish(Connection& connection) {
    error_code error;
    connection.socket.shutdown(tcp::socket::shutdown_send, error);
    std::array<char, 4096> piece;
    while (!error) {
      co_await connection.socket.async_read_some(asio::buffer(piece), asio::redirect_error(asio::use_awaitable, error));
    }
  }

  // Nothing: the client went away, or took too long.
  asio::awaitable<std::optional<AdminRequest>> read(Connection& connection) {
    std::array<char, 4096> piece;
    while (true) {
      if (auto request = read_admin_request(connection.received, options_.max_request_bytes)) {
        connection.received.erase(0, request->size);
        co_return request;
      }
      error_code error;
      const std::size_t size = co_await connection.socket.async_read_some(
          asio::buffer(piece), asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return std::nullopt;
      connection.received.append(piece.data(), size);
    }
  }

  AdminAnswer page(std::string_view target) {
    try {
      return answer_admin(options_, sources_, target);
    } catch (const std::exception& error) {
      log_.error(std::string("admin pages: ") + error.what());
      return {.status = 500, .body = "this page could not be made; see the program's log\n"};
    }
  }

  const AdminOptions options_;
  const AdminSources sources_;
  Log& log_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer room_;  // cancelled when a connection ends
  std::size_t connections_ = 0;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Admin>> Admin::start(AdminOptions options, AdminSources sources, Log& log) {
  auto server = std::make_unique<AdminServer>(std::move(options), std::move(sources), log);
  if (auto begun = server->begin(); !begun) return begun.error();
  return Result<std::unique_ptr<Admin>>(std::move(server));
}

}  // namespace fairlead

#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace fairlead::test {

// A request as the fake server saw it.
struct SeenRequest {
  std::string path;
  std::map<std::string, std::string> query;  // decoded
  std::string authorization;
  std::string method = "GET";
  std::string plural;       // "ingresses"
  std::string ns;           // "" = all
  std::string name;         // "" = the collection
  std::string subresource;  // "status", or ""
  std::string body;
  bool watch = false;
  bool streamed = false;  // a list, asked for as the initial events of a watch
};

// One connection, for scripts that misbehave byte by byte.
class FakePeer {
 public:
  FakePeer(int socket, const std::atomic<bool>& closing) : socket_(socket), closing_(closing) {}

  bool send(std::string_view raw);
  void head(int status, const std::string& more_headers = "");  // chunked from here
  bool chunk(std::string_view bytes);
  void finish();         // the last chunk
  void reset();          // RST in place of FIN
  void await_closed();   // until the client hangs up or the server stops
  bool hung_up() const;  // the client is gone, or the server stops

 private:
  int socket_;
  const std::atomic<bool>& closing_;
};

// An API server of the few verbs that are used here, over plain HTTP on a port of its own, with a thread a connection.
// Behaves well until it is told not to.
class FakeApiServer {
 public:
  using Json = nlohmann::json;
  using Script = std::function<void(FakePeer&)>;
  enum class Verb { list, watch, get, write };  // list: also a streamed one; write: POST, PUT and PATCH

  FakeApiServer();
  ~FakeApiServer();

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::uint16_t port() const { return port_; }

  // What exists. Watches are told. Clients may write too: whole objects with optimistic locking, merge patches, and the
  // status apart from the rest.
  void put(const std::string& plural, const std::string& ns, const std::string& name, Json more = Json::object());
  Json object(const std::string& plural, const std::string& ns, const std::string& name) const;  // null: there is none
  std::size_t object_count(const std::string& plural) const;
  void remove(const std::string& plural, const std::string& ns, const std::string& name);
  void bookmark(const std::string& plural);  // with the present resourceVersion

  // The next request of this kind, of any connection, is answered by the script; the one after it by the next script.
  void once(const std::string& plural, Verb verb, Script script);
  // All such requests until calm(), whatever once() holds.
  void always(const std::string& plural, Verb verb, Script script);
  void calm(const std::string& plural, Verb verb);

  void forget_history();                        // a watch from before now is answered 410
  void expire_continue_tokens();                // and pages from before now too
  void cut_watches(const std::string& plural);  // their streams end as they are
  void require_token(const std::string& token);
  void refuse_streams();                     // as servers do that know no streamed lists: 422
  void serve_pages_of(std::size_t objects);  // whatever limit is asked for, at most this

  void stop();   // closes all connections and refuses new ones
  void start();  // again, on the same port

  std::vector<SeenRequest> requests() const;
  std::vector<SeenRequest> written() const;  // what was carried out, in order
  std::size_t count(const std::string& plural, Verb verb) const;
  // False when it did not come true within the time that says that a test has failed.
  bool wait_until(const std::function<bool()>& condition) const;
  bool wait_for_requests(const std::string& plural, Verb verb, std::size_t number) const;

 private:
  struct Event {
    std::uint64_t version;
    std::string plural;
    Json event;
    std::string ns;
    std::string name;
  };
  struct Connection {
    int socket = -1;
    std::thread thread;
    std::atomic<bool> done{false};
  };
  using Key = std::pair<std::string, Verb>;

  void accept_all(int listener);
  void serve(Connection& connection);
  void answer(FakePeer& peer, const SeenRequest& request);
  void answer_list(FakePeer& peer, const SeenRequest& request);
  void answer_stream(FakePeer& peer, const SeenRequest& request);
  void answer_watch(FakePeer& peer, const SeenRequest& request);
  void answer_get(FakePeer& peer, const SeenRequest& request);
  void answer_write(FakePeer& peer, const SeenRequest& request);
  Json carry_out(const SeenRequest& request, int& status);
  void store(const std::string& plural, const std::string& ns, const std::string& name, Json object);
  Script script_for(const SeenRequest& request);
  std::string list_page(const SeenRequest& request, int& status);
  void listen_on(std::uint16_t port);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  std::thread acceptor_;
  std::list<std::unique_ptr<Connection>> connections_;
  std::atomic<bool> closing_{false};

  std::uint64_t version_ = 100;
  std::uint64_t oldest_version_ = 0;
  std::map<std::string, std::map<std::pair<std::string, std::string>, Json>> objects_;
  std::vector<Event> events_;
  std::map<std::string, std::uint64_t> cuts_;
  std::map<std::string, std::vector<Json>> rests_;  // by continue token
  std::uint64_t last_token_ = 0;
  std::size_t page_ = SIZE_MAX;
  bool refuses_streams_ = false;
  std::string token_;
  std::map<Key, std::deque<Script>> scripts_;
  std::map<Key, Script> standing_;
  std::vector<SeenRequest> requests_;
  std::vector<SeenRequest> written_;
};

// Scripts that several tests use.
FakeApiServer::Script answer_status(int status, const std::string& more_headers = "",
                                    const std::string& message = "no");
FakeApiServer::Script answer_body(const std::string& body);  // 200, complete
FakeApiServer::Script reset_connection();

}  // namespace fairlead::test

#include "tests/support/fake_api_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <stdexcept>

namespace fairlead::test {
namespace {

using Json = nlohmann::json;
constexpr std::chrono::seconds test_has_failed{20};

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::size_t from = 0;
  for (std::size_t end = text.find(at); end != std::string::npos; end = text.find(at, from)) {
    parts.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  parts.push_back(text.substr(from));
  return parts;
}

// /api/v1/…, /apis/GROUP/VERSION/…, then [namespaces/NS/]PLURAL[/NAME[/SUBRESOURCE]].
void read_path(SeenRequest& request) {
  const std::vector<std::string> segments = split(request.path, '/');
  std::size_t at = segments.size() > 1 && segments[1] == "apis" ? 4 : 3;
  if (at + 2 < segments.size() && segments[at] == "namespaces") {
    request.ns = segments[at + 1];
    at += 2;
  }
  if (at < segments.size()) request.plural = segments[at];
  if (at + 1 < segments.size()) request.name = decoded(segments[at + 1]);
  if (at + 2 < segments.size()) request.subresource = segments[at + 2];
}

FakeApiServer::Verb verb_of(const SeenRequest& request) {
  if (request.method != "GET") return FakeApiServer::Verb::write;
  if (request.watch) return FakeApiServer::Verb::watch;
  return request.name.empty() ? FakeApiServer::Verb::list : FakeApiServer::Verb::get;
}

std::size_t body_size(const std::string& head) {
  constexpr std::string_view name = "\r\nContent-Length: ";
  const std::size_t found = head.find(name);
  return found == std::string::npos ? 0 : std::stoul(head.substr(found + name.size()));
}

// ?labelSelector=a=b,c=d, equality only.
bool has_labels(const SeenRequest& request, const Json& object) {
  const auto selector = request.query.find("labelSelector");
  if (selector == request.query.end()) return true;
  const Json labels = object.at("metadata").value("labels", Json::object());
  for (const std::string& pair : split(selector->second, ',')) {
    const std::size_t equals = pair.find('=');
    if (labels.value(pair.substr(0, equals), std::string()) != pair.substr(equals + 1)) return false;
  }
  return true;
}

SeenRequest parse_request(const std::string& head) {
  SeenRequest request;
  const std::vector<std::string> lines = split(head, '\n');
  const std::vector<std::string> words = split(lines.front(), ' ');
  const std::string target = words.size() > 1 ? words[1] : "/";
  const std::size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string::npos) {
    for (const std::string& pair : split(target.substr(mark + 1), '&')) {
      const std::size_t equals = pair.find('=');
      if (equals != std::string::npos) request.query[pair.substr(0, equals)] = decoded(pair.substr(equals + 1));
    }
  }
  request.method = words.front();
  read_path(request);
  request.streamed = request.query.contains("sendInitialEvents");
  request.watch = request.query.contains("watch") && !request.streamed;
  for (const std::string& line : lines) {
    constexpr std::string_view name = "Authorization: ";
    if (line.starts_with(name)) request.authorization = line.substr(name.size(), line.find('\r') - name.size());
  }
  return request;
}

// The name in ?fieldSelector=metadata.name=NAME, or "".
std::string selected_name(const SeenRequest& request) {
  const auto selector = request.query.find("fieldSelector");
  constexpr std::string_view field = "metadata.name=";
  if (selector == request.query.end() || !selector->second.starts_with(field)) return {};
  return selector->second.substr(field.size());
}

bool selects(const SeenRequest& request, const std::string& ns, const std::string& name) {
  const std::string wanted = selected_name(request);
  return (request.ns.empty() || request.ns == ns) && (wanted.empty() || wanted == name);
}

Json status_object(int code, const std::string& message) {
  return {{"kind", "Status"},    {"apiVersion", "v1"}, {"metadata", Json::object()},
          {"status", "Failure"}, {"message", message}, {"code", code}};
}

void send_whole(FakePeer& peer, int status, const std::string& more_headers, const std::string& body) {
  peer.send("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n" + more_headers + "\r\n" + body);
}

}  // namespace

bool FakePeer::send(std::string_view raw) {
  while (!raw.empty()) {
    const ssize_t sent = ::send(socket_, raw.data(), raw.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    raw.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void FakePeer::head(int status, const std::string& more_headers) {
  send("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\n" +
       "Transfer-Encoding: chunked\r\n" + more_headers + "\r\n");
}

bool FakePeer::chunk(std::string_view bytes) {
  std::array<char, 20> size{};
  const int length = std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
  return send(std::string(size.data(), static_cast<std::size_t>(length)) + std::string(bytes) + "\r\n");
}

void FakePeer::finish() {
  send("0\r\n\r\n");
}

void FakePeer::reset() {
  const linger at_once{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

bool FakePeer::hung_up() const {
  pollfd look{socket_, POLLIN | POLLRDHUP, 0};
  ::poll(&look, 1, 0);
  return closing_ || (look.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void FakePeer::await_closed() {
  pollfd look{socket_, POLLRDHUP, 0};
  ::poll(&look, 1, -1);  // stop() shuts the socket down, which ends this too
}

FakeApiServer::FakeApiServer() {
  listen_on(0);
  acceptor_ = std::thread([this, listener = listener_] { accept_all(listener); });
}

FakeApiServer::~FakeApiServer() {
  stop();
}

void FakeApiServer::listen_on(std::uint16_t port) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(listener_, 128) != 0) {
    throw std::runtime_error("the fake API server cannot listen");
  }
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
}

void FakeApiServer::start() {
  closing_ = false;
  listen_on(port_);
  acceptor_ = std::thread([this, listener = listener_] { accept_all(listener); });
}

void FakeApiServer::stop() {
  if (!acceptor_.joinable()) return;
  closing_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  std::list<std::unique_ptr<Connection>> connections;
  {
    const std::lock_guard lock(mutex_);
    connections.swap(connections_);
    for (const auto& connection : connections) {
      if (!connection->done) ::shutdown(connection->socket, SHUT_RDWR);
    }
  }
  changed_.notify_all();
  for (const auto& connection : connections) {
    connection->thread.join();
    ::close(connection->socket);
  }
}

void FakeApiServer::accept_all(int listener) {
  while (true) {
    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const std::lock_guard lock(mutex_);
    connections_.remove_if([](const std::unique_ptr<Connection>& connection) {
      if (!connection->done) return false;
      connection->thread.join();
      ::close(connection->socket);
      return true;
    });
    Connection& connection = *connections_.emplace_back(std::make_unique<Connection>());
    connection.socket = socket;
    connection.thread = std::thread([this, &connection] { serve(connection); });
  }
}

void FakeApiServer::serve(Connection& connection) {
  FakePeer peer(connection.socket, closing_);
  std::string in;
  std::array<char, 4096> piece{};
  bool open = true;
  while (open && !closing_) {
    const std::size_t end = in.find("\r\n\r\n");
    const std::size_t length = end == std::string::npos ? 0 : body_size(in.substr(0, end));
    if (end == std::string::npos || in.size() < end + 4 + length) {
      const ssize_t got = ::recv(connection.socket, piece.data(), piece.size(), 0);
      if (got <= 0) break;
      in.append(piece.data(), static_cast<std::size_t>(got));
      continue;
    }
    SeenRequest request = parse_request(in.substr(0, end));
    request.body = in.substr(end + 4, length);
    in.erase(0, end + 4 + length);
    Script script = script_for(request);
    if (script) {
      script(peer);
      open = false;
    } else {
      answer(peer, request);
    }
  }
  linger how{};
  socklen_t length = sizeof how;
  ::getsockopt(connection.socket, SOL_SOCKET, SO_LINGER, &how, &length);
  // With a linger time of nothing, only closing sends the RST: the descriptor's number must stay ours, so swap it.
  const int placeholder = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (how.l_onoff == 0) ::shutdown(connection.socket, SHUT_RDWR);
  ::dup2(placeholder, connection.socket);
  ::close(placeholder);
  connection.done = true;
}

FakeApiServer::Script FakeApiServer::script_for(const SeenRequest& request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
  changed_.notify_all();
  const Key key{request.plural, verb_of(request)};
  if (const auto standing = standing_.find(key); standing != standing_.end()) return standing->second;
  std::deque<Script>& scripts = scripts_[key];
  if (scripts.empty()) return nullptr;
  Script script = std::move(scripts.front());
  scripts.pop_front();
  return script;
}

void FakeApiServer::answer(FakePeer& peer, const SeenRequest& request) {
  std::string token;
  {
    const std::lock_guard lock(mutex_);
    token = token_;
  }
  if (!token.empty() && request.authorization != "Bearer " + token) {
    return send_whole(peer, 401, "", status_object(401, "Unauthorized").dump());
  }
  switch (verb_of(request)) {
    case Verb::watch:
      return answer_watch(peer, request);
    case Verb::list:
      return request.streamed ? answer_stream(peer, request) : answer_list(peer, request);
    case Verb::get:
      return answer_get(peer, request);
    case Verb::write:
      return answer_write(peer, request);
  }
}

void FakeApiServer::answer_get(FakePeer& peer, const SeenRequest& request) {
  const Json found = object(request.plural, request.ns, request.name);
  if (found.is_null()) return send_whole(peer, 404, "", status_object(404, "not found").dump());
  send_whole(peer, 200, "", found.dump());
}

void FakeApiServer::answer_write(FakePeer& peer, const SeenRequest& request) {
  int status = 200;
  const std::string body = carry_out(request, status).dump();
  send_whole(peer, status, "", body);
}

Json FakeApiServer::carry_out(const SeenRequest& request, int& status) {
  const auto refuse = [&](int code, const std::string& message) {
    status = code;
    return status_object(code, message);
  };
  const std::lock_guard lock(mutex_);
  Json body = Json::parse(request.body, nullptr, false);
  if (!body.is_object()) return refuse(400, "the body is no object");
  auto& objects = objects_[request.plural];
  const bool create = request.method == "POST";
  const std::string name = create ? body["metadata"].value("name", std::string()) : request.name;
  const auto found = objects.find({request.ns, name});
  if (create) {
    if (found != objects.end()) return refuse(409, "it exists already");
    status = 201;
    written_.push_back(request);
    store(request.plural, request.ns, name, std::move(body));
    return objects.at({request.ns, name});
  }
  if (found == objects.end()) return refuse(404, "not found");
  const Json expected = body["metadata"].is_object() ? body["metadata"].value("resourceVersion", Json()) : Json();
  if (!expected.is_null() && expected != found->second["metadata"]["resourceVersion"]) {
    return refuse(409, "the object has been modified");
  }
  Json next = found->second;
  if (request.method == "PUT") {
    next = std::move(body);
  } else if (request.subresource == "status") {
    next.merge_patch({{"status", body.value("status", Json::object())}});
  } else {
    next.merge_patch(body);
  }
  written_.push_back(request);
  if (next == found->second) return next;  // a write that changes nothing is none
  store(request.plural, request.ns, name, std::move(next));
  return objects.at({request.ns, name});
}

void FakeApiServer::answer_list(FakePeer& peer, const SeenRequest& request) {
  int status = 200;
  const std::string body = list_page(request, status);
  send_whole(peer, status, "", body);
}

std::string FakeApiServer::list_page(const SeenRequest& request, int& status) {
  const std::lock_guard lock(mutex_);
  std::vector<Json> items;
  if (const auto asked = request.query.find("continue"); asked != request.query.end()) {
    const auto rest = rests_.find(asked->second);
    if (rest == rests_.end()) {
      status = 410;
      return status_object(410, "The provided continue parameter is too old").dump();
    }
    items = rest->second;
  } else {
    for (const auto& [name, object] : objects_[request.plural]) {
      if (selects(request, name.first, name.second) && has_labels(request, object)) items.push_back(object);
    }
  }
  const auto limit = request.query.find("limit");
  const std::size_t asked_for = limit == request.query.end() ? SIZE_MAX : std::stoul(limit->second);
  const std::size_t size = std::min({items.size(), asked_for, page_});
  Json list = {
      {"kind", "List"}, {"metadata", {{"resourceVersion", std::to_string(version_)}}}, {"items", Json::array()}};
  for (std::size_t i = 0; i < size; ++i) list["items"].push_back(items[i]);
  if (size < items.size()) {
    const std::string token = "t/" + std::to_string(++last_token_) + "=";  // to be escaped in a query
    rests_[token] = std::vector<Json>(items.begin() + static_cast<std::ptrdiff_t>(size), items.end());
    list["metadata"]["continue"] = token;
  }
  return list.dump();
}

// The initial events and the bookmark that ends them; then it waits for the client to go.
void FakeApiServer::answer_stream(FakePeer& peer, const SeenRequest& request) {
  std::unique_lock lock(mutex_);
  if (refuses_streams_) {
    lock.unlock();
    return send_whole(peer, 422, "", status_object(422, "sendInitialEvents is forbidden for watch").dump());
  }
  std::string lines;
  for (const auto& [name, object] : objects_[request.plural]) {
    if (!selects(request, name.first, name.second) || !has_labels(request, object)) continue;
    lines += Json{{"type", "ADDED"}, {"object", object}}.dump() + "\n";
  }
  const Json end = {{"resourceVersion", std::to_string(version_)},
                    {"annotations", {{"k8s.io/initial-events-end", "true"}}}};
  lines += Json{{"type", "BOOKMARK"}, {"object", {{"metadata", end}}}}.dump() + "\n";
  lock.unlock();
  peer.head(200);
  peer.chunk(lines);
  peer.await_closed();
}

void FakeApiServer::answer_watch(FakePeer& peer, const SeenRequest& request) {
  const auto from = request.query.find("resourceVersion");
  std::uint64_t told = from == request.query.end() ? 0 : std::strtoull(from->second.c_str(), nullptr, 10);
  std::unique_lock lock(mutex_);
  const std::uint64_t cut = cuts_[request.plural];
  const bool gone = told < oldest_version_;
  lock.unlock();
  peer.head(200);
  if (gone) {
    peer.chunk(Json{{"type", "ERROR"}, {"object", status_object(410, "too old resource version")}}.dump() + "\n");
    return peer.finish();
  }
  lock.lock();
  std::size_t at = 0;
  while (!closing_ && cuts_[request.plural] == cut) {
    std::string lines;
    for (; at < events_.size(); ++at) {
      const Event& event = events_[at];
      if (event.plural != request.plural || event.version <= told) continue;
      const bool wanted = event.name.empty() ||
                          (selects(request, event.ns, event.name) && has_labels(request, event.event.at("object")));
      if (wanted) lines += event.event.dump() + "\n";
    }
    if (lines.empty()) {
      changed_.wait(lock);
      continue;
    }
    lock.unlock();
    const bool sent = peer.chunk(lines);
    lock.lock();
    if (!sent) return;
  }
  lock.unlock();
  peer.reset();
}

Json FakeApiServer::object(const std::string& plural, const std::string& ns, const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto objects = objects_.find(plural);
  if (objects == objects_.end()) return {};
  const auto found = objects->second.find({ns, name});
  return found == objects->second.end() ? Json() : found->second;
}

std::size_t FakeApiServer::object_count(const std::string& plural) const {
  const std::lock_guard lock(mutex_);
  const auto objects = objects_.find(plural);
  return objects == objects_.end() ? 0 : objects->second.size();
}

void FakeApiServer::put(const std::string& plural, const std::string& ns, const std::string& name, Json more) {
  const std::lock_guard lock(mutex_);
  store(plural, ns, name, std::move(more));
}

void FakeApiServer::store(const std::string& plural, const std::string& ns, const std::string& name, Json object) {
  auto& objects = objects_[plural];
  const bool known = objects.contains({ns, name});
  object["metadata"]["name"] = name;
  if (!ns.empty()) object["metadata"]["namespace"] = ns;
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  objects[{ns, name}] = object;
  events_.push_back({version_, plural, {{"type", known ? "MODIFIED" : "ADDED"}, {"object", object}}, ns, name});
  changed_.notify_all();
}

void FakeApiServer::remove(const std::string& plural, const std::string& ns, const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto& objects = objects_[plural];
  const auto found = objects.find({ns, name});
  if (found == objects.end()) return;
  Json object = found->second;
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  objects.erase(found);
  events_.push_back({version_, plural, {{"type", "DELETED"}, {"object", std::move(object)}}, ns, name});
  changed_.notify_all();
}

void FakeApiServer::bookmark(const std::string& plural) {
  const std::lock_guard lock(mutex_);
  ++version_;
  const Json object = {{"metadata", {{"resourceVersion", std::to_string(version_)}}}};
  events_.push_back({version_, plural, {{"type", "BOOKMARK"}, {"object", object}}, "", ""});
  changed_.notify_all();
}

void FakeApiServer::once(const std::string& plural, Verb verb, Script script) {
  const std::lock_guard lock(mutex_);
  scripts_[{plural, verb}].push_back(std::move(script));
}

void FakeApiServer::always(const std::string& plural, Verb verb, Script script) {
  const std::lock_guard lock(mutex_);
  standing_[{plural, verb}] = std::move(script);
}

void FakeApiServer::calm(const std::string& plural, Verb verb) {
  const std::lock_guard lock(mutex_);
  standing_.erase({plural, verb});
}

void FakeApiServer::forget_history() {
  const std::lock_guard lock(mutex_);
  oldest_version_ = ++version_;
}

void FakeApiServer::expire_continue_tokens() {
  const std::lock_guard lock(mutex_);
  rests_.clear();
}

void FakeApiServer::cut_watches(const std::string& plural) {
  const std::lock_guard lock(mutex_);
  ++cuts_[plural];
  changed_.notify_all();
}

void FakeApiServer::require_token(const std::string& token) {
  const std::lock_guard lock(mutex_);
  token_ = token;
}

void FakeApiServer::refuse_streams() {
  const std::lock_guard lock(mutex_);
  refuses_streams_ = true;
}

void FakeApiServer::serve_pages_of(std::size_t objects) {
  const std::lock_guard lock(mutex_);
  page_ = objects;
}

std::vector<SeenRequest> FakeApiServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::vector<SeenRequest> FakeApiServer::written() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

std::size_t FakeApiServer::count(const std::string& plural, Verb verb) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(requests_.begin(), requests_.end(), [&](const SeenRequest& request) {
    return request.plural == plural && verb_of(request) == verb;
  }));
}

bool FakeApiServer::wait_until(const std::function<bool()>& condition) const {
  const auto give_up = std::chrono::steady_clock::now() + test_has_failed;
  while (!condition()) {
    std::unique_lock lock(mutex_);
    if (std::chrono::steady_clock::now() > give_up) return false;
    changed_.wait_for(lock, std::chrono::milliseconds(2));
  }
  return true;
}

bool FakeApiServer::wait_for_requests(const std::string& plural, Verb verb, std::size_t number) const {
  return wait_until([&] { return count(plural, verb) >= number; });
}

FakeApiServer::Script answer_status(int status, const std::string& more_headers, const std::string& message) {
  return [=](FakePeer& peer) { send_whole(peer, status, more_headers, status_object(status, message).dump()); };
}

FakeApiServer::Script answer_body(const std::string& body) {
  return [=](FakePeer& peer) { send_whole(peer, 200, "", body); };
}

FakeApiServer::Script reset_connection() {
  return [](FakePeer& peer) { peer.reset(); };
}

}  // namespace fairlead::test

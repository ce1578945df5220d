#include "tests/bench/programs/api_server.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace fairlead::bench {
namespace {

void send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the reader finds out
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void send_chunk(int socket, std::string_view bytes) {
  std::array<char, 20> size{};
  const int length = std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
  std::string text(size.data(), static_cast<std::size_t>(length));
  text.append(bytes).append("\r\n");
  send_all(socket, text);
}

std::string with_version(const std::string& object, std::uint64_t version) {
  constexpr std::string_view metadata = R"("metadata":{)";
  std::string text = object;
  return text.insert(text.find(metadata) + metadata.size(), R"("resourceVersion":")" + std::to_string(version) + "\",");
}

std::uint64_t parameter(const std::string& target, const std::string& name, std::uint64_t otherwise) {
  std::size_t at = target.find("?" + name + "=");
  if (at == std::string::npos) at = target.find("&" + name + "=");
  return at == std::string::npos ? otherwise : std::strtoull(target.c_str() + at + name.size() + 2, nullptr, 10);
}

}  // namespace

ApiServer::ApiServer(std::uint16_t port) {
  for (const char* plural : {"ingressclasses", "ingresses", "services", "endpointslices"}) collections_[plural];
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener, 64) != 0) {
    std::perror("bench_cluster");
    std::exit(1);
  }
  std::thread([this, listener] { accept_all(listener); }).detach();
}

void ApiServer::accept_all(int listener) {
  while (true) {
    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::thread([this, socket] { serve(socket); }).detach();
  }
}

void ApiServer::serve(int socket) {
  std::string in;
  std::array<char, 4096> piece{};
  for (bool open = true; open;) {
    const std::size_t end = in.find("\r\n\r\n");
    if (end == std::string::npos) {
      const ssize_t got = ::recv(socket, piece.data(), piece.size(), 0);
      if (got <= 0) break;
      in.append(piece.data(), static_cast<std::size_t>(got));
      continue;
    }
    const std::size_t from = in.find(' ') + 1;
    const std::string target = in.substr(from, in.find(' ', from) - from);
    open = in.starts_with("GET ") && answer(socket, target);
    in.erase(0, end + 4);
  }
  const std::lock_guard lock(mutex_);
  for (auto& [plural, collection] : collections_) std::erase(collection.watches, socket);
  ::close(socket);
}

ApiServer::Collection* ApiServer::collection_of(const std::string& target) {
  const std::string path = target.substr(0, target.find('?'));
  const auto found = collections_.find(path.substr(path.rfind('/') + 1));
  return found == collections_.end() ? nullptr : &found->second;
}

bool ApiServer::answer(int socket, const std::string& target) {
  Collection* const collection = collection_of(target);
  if (!collection) {
    send_all(socket, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}");
  } else if (target.find("watch=") != std::string::npos) {
    watch(socket, *collection, target);
  } else {
    list(socket, *collection, target);
  }
  return true;
}

// A page begins where the last one ended: at the object after that number.
void ApiServer::list(int socket, Collection& collection, const std::string& target) {
  const std::size_t from = parameter(target, "continue", 0);
  const std::size_t limit = parameter(target, "limit", SIZE_MAX);
  std::string body;
  {
    const std::lock_guard lock(mutex_);
    const std::size_t to = limit < collection.objects.size() - std::min(from, collection.objects.size())
                               ? from + limit
                               : collection.objects.size();
    body = R"({"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":")" + std::to_string(version_) + '"';
    if (to < collection.objects.size()) body += R"(,"continue":")" + std::to_string(to) + '"';
    body += R"(},"items":[)";
    auto item = std::next(collection.objects.begin(), static_cast<std::ptrdiff_t>(from));
    for (std::size_t i = from; i < to; ++i, ++item) body += (i > from ? "," : "") + item->second;
    body += "]}";
  }
  send_all(socket, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                       std::to_string(body.size()) + "\r\n\r\n" + body);
  const std::lock_guard lock(mutex_);
  listed_at_ = std::chrono::steady_clock::now();
}

// All objects as events, and the bookmark that ends them.
void ApiServer::stream_list(int socket, const Collection& collection) {
  constexpr std::size_t chunk_size = 64 * 1024;
  std::string lines;
  for (const auto& [name, object] : collection.objects) {
    lines.append(R"({"type":"ADDED","object":)").append(object).append("}\n");
    if (lines.size() < chunk_size) continue;
    send_chunk(socket, lines);
    lines.clear();
  }
  lines += R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":")" + std::to_string(version_) +
           R"(","annotations":{"k8s.io/initial-events-end":"true"}}}})" + '\n';
  send_chunk(socket, lines);
  listed_at_ = std::chrono::steady_clock::now();
}

void ApiServer::watch(int socket, Collection& collection, const std::string& target) {
  const std::lock_guard lock(mutex_);
  send_all(socket, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
  if (target.find("sendInitialEvents=true") != std::string::npos) {
    stream_list(socket, collection);
    return;
  }
  const std::uint64_t after = parameter(target, "resourceVersion", 0);
  for (const Event& event : collection.events) {
    if (event.version > after) send_chunk(socket, event.line);
  }
  collection.watches.push_back(socket);
  watched_.notify_all();
}

ApiServer::Time ApiServer::put(const std::string& plural, const std::string& name, const std::string& object) {
  const std::lock_guard lock(mutex_);
  Collection& collection = collections_.at(plural);
  std::string text = with_version(object, ++version_);
  const bool known = collection.objects.contains(name);
  if (!collection.watches.empty()) {  // before that, a list tells it
    const char* const type = known ? "MODIFIED" : "ADDED";
    collection.events.push_back({version_, std::string(R"({"type":")") + type + R"(","object":)" + text + "}\n"});
  }
  collection.objects[name] = std::move(text);
  const Time now = std::chrono::steady_clock::now();
  for (const int socket : collection.watches) send_chunk(socket, collection.events.back().line);
  return now;
}

ApiServer::Time ApiServer::listed_at() const {
  const std::lock_guard lock(mutex_);
  return listed_at_;
}

bool ApiServer::wait_watched(std::chrono::seconds most) const {
  std::unique_lock lock(mutex_);
  return watched_.wait_for(lock, most, [this] {
    return std::all_of(collections_.begin(), collections_.end(),
                       [](const auto& one) { return !one.second.watches.empty(); });
  });
}

}  // namespace fairlead::bench

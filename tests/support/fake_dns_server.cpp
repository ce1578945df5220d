#include "tests/support/fake_dns_server.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>

namespace fairlead::test {
namespace {

constexpr std::uint16_t type_a = 1;
constexpr std::uint16_t type_cname = 5;
constexpr std::uint16_t type_aaaa = 28;
constexpr std::size_t header_size = 12;
constexpr std::uint8_t no_such_name = 3;  // response codes of RFC 1035 4.1.1
constexpr std::uint8_t server_failure = 2;
constexpr std::chrono::seconds patience{10};

void add16(std::string& to, std::uint16_t value) {
  to += static_cast<char>(value >> 8);
  to += static_cast<char>(value & 0xff);
}

std::string wire_name(const std::string& name) {
  std::string wire;
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t dot = std::min(name.find('.', at), name.size());
    wire += static_cast<char>(dot - at);
    wire += name.substr(at, dot - at);
    at = dot + 1;
  }
  return wire + '\0';
}

void add_record(std::string& to, const std::string& name, std::uint16_t type, std::uint32_t ttl,
                const std::string& value) {
  to += wire_name(name);
  add16(to, type);
  add16(to, 1);  // IN
  add16(to, static_cast<std::uint16_t>(ttl >> 16));
  add16(to, static_cast<std::uint16_t>(ttl & 0xffff));
  add16(to, static_cast<std::uint16_t>(value.size()));
  to += value;
}

struct Question {
  std::string name;
  std::uint16_t type = 0;
  std::size_t end = 0;  // in the query
};

Question question_in(const std::string& query) {
  Question question;
  std::size_t at = header_size;
  while (at < query.size() && query[at] != '\0') {
    const auto size = static_cast<std::size_t>(query[at]);
    if (!question.name.empty()) question.name += '.';
    question.name += query.substr(at + 1, size);
    at += size + 1;
  }
  question.end = at + 5;
  if (question.end > query.size()) return question;
  question.type = static_cast<std::uint16_t>(static_cast<unsigned char>(query[at + 1]) << 8 |
                                             static_cast<unsigned char>(query[at + 2]));
  return question;
}

int bound_socket(int type, std::uint16_t port) {
  const int made = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return made;
  ::close(made);
  return -1;
}

std::uint16_t port_of(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

bool read_exactly(int socket, char* to, std::size_t size) {
  return ::recv(socket, to, size, MSG_WAITALL) == static_cast<ssize_t>(size);
}

}  // namespace

FakeDnsServer::FakeDnsServer() {
  constexpr int most_tries = 20;  // the port must be free for both
  for (int i = 0; tcp_ < 0 && i < most_tries; ++i) {
    udp_ = bound_socket(SOCK_DGRAM, 0);
    port_ = port_of(udp_);
    tcp_ = bound_socket(SOCK_STREAM, port_);
    if (tcp_ < 0) ::close(udp_);
  }
  if (tcp_ < 0 || ::listen(tcp_, 16) != 0) throw std::runtime_error("no port for a DNS server");
  thread_ = std::thread([this] { run(); });
}

FakeDnsServer::~FakeDnsServer() {
  stopping_ = true;
  ::shutdown(tcp_, SHUT_RDWR);
  thread_.join();
  ::close(udp_);
  ::close(tcp_);
}

void FakeDnsServer::put(const std::string& name, const std::vector<std::string>& addresses, std::uint32_t ttl) {
  const std::lock_guard lock(mutex_);
  Records& records = records_[name] = {};
  records.ttl = ttl;
  for (const std::string& text : addresses) records.addresses.push_back(*IpAddress::parse(text));
}

void FakeDnsServer::put_alias(const std::string& name, const std::string& target, std::uint32_t ttl) {
  const std::lock_guard lock(mutex_);
  records_[name] = {{}, target, ttl};
}

void FakeDnsServer::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  records_.erase(name);
}

void FakeDnsServer::suffer(Fault fault) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
}

std::vector<std::string> FakeDnsServer::questions() const {
  const std::lock_guard lock(mutex_);
  return questions_;
}

bool FakeDnsServer::wait_for(const std::string& question, std::size_t count) const {
  std::unique_lock lock(mutex_);
  return asked_.wait_for(lock, patience, [&] {
    return std::count(questions_.begin(), questions_.end(), question) >= static_cast<std::ptrdiff_t>(count);
  });
}

void FakeDnsServer::run() {
  std::array<pollfd, 2> polled{{{udp_, POLLIN, 0}, {tcp_, POLLIN, 0}}};
  while (!stopping_) {
    if (::poll(polled.data(), polled.size(), 100) <= 0 || stopping_) continue;
    if (polled[0].revents != 0) serve_udp();
    if (polled[1].revents != 0) serve_tcp();
  }
}

void FakeDnsServer::serve_udp() {
  std::array<char, 4096> bytes{};
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  const ssize_t got = ::recvfrom(udp_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
  if (got <= 0) return;
  const std::string reply = answer({bytes.data(), static_cast<std::size_t>(got)}, false);
  if (!reply.empty()) ::sendto(udp_, reply.data(), reply.size(), 0, reinterpret_cast<const sockaddr*>(&peer), size);
}

void FakeDnsServer::serve_tcp() {
  const int peer = ::accept4(tcp_, nullptr, nullptr, SOCK_CLOEXEC);
  if (peer < 0) return;
  std::array<char, 2> prefix{};
  while (read_exactly(peer, prefix.data(), prefix.size())) {
    const auto size =
        static_cast<std::size_t>(static_cast<unsigned char>(prefix[0]) << 8 | static_cast<unsigned char>(prefix[1]));
    std::string query(size, '\0');
    if (!read_exactly(peer, query.data(), size)) break;
    const std::string reply = answer(query, true);
    if (reply.empty()) break;
    std::string framed;
    add16(framed, static_cast<std::uint16_t>(reply.size()));
    framed += reply;
    if (::send(peer, framed.data(), framed.size(), MSG_NOSIGNAL) < 0) break;
  }
  ::close(peer);
}

std::string FakeDnsServer::answer(const std::string& query, bool over_tcp) {
  const Question question = question_in(query);
  if (question.end > query.size()) return {};
  std::uint16_t count = 0;
  bool exists = false;
  std::string records;
  Fault fault = Fault::none;
  {
    const std::lock_guard lock(mutex_);
    questions_.push_back((question.type == type_aaaa ? "AAAA " : "A ") + question.name + (over_tcp ? " over TCP" : ""));
    fault = fault_;
    records = answers_for(question.name, question.type, count, exists);
  }
  asked_.notify_all();
  if (fault == Fault::silent) return {};
  const bool cut = fault == Fault::truncated && !over_tcp;
  if (cut || fault == Fault::server_failure) {
    records.clear();
    count = 0;
  }
  const std::uint8_t code = fault == Fault::server_failure ? server_failure : exists ? std::uint8_t{0} : no_such_name;
  std::string reply = query.substr(0, 2);
  reply += static_cast<char>(cut ? 0x87 : 0x85);  // an answer, authoritative, recursion desired; 2: truncated
  reply += static_cast<char>(0x80 | code);        // recursion available
  add16(reply, 1);
  add16(reply, count);
  add16(reply, 0);
  add16(reply, 0);
  reply += query.substr(header_size, question.end - header_size);
  return reply + records;
}

std::string FakeDnsServer::answers_for(const std::string& name, std::uint16_t type, std::uint16_t& count,
                                       bool& exists) const {
  const auto found = records_.find(name);
  exists = found != records_.end();
  std::string wire;
  if (!exists) return wire;
  const Records& records = found->second;
  if (!records.alias.empty()) {
    ++count;
    add_record(wire, name, type_cname, records.ttl, wire_name(records.alias));
    return wire + answers_for(records.alias, type, count, exists);
  }
  for (const IpAddress& address : records.addresses) {
    if (address.is_v4() != (type == type_a)) continue;
    ++count;
    const auto& bytes = address.bytes();
    add_record(wire, name, type, records.ttl, std::string(bytes.begin() + (address.is_v4() ? 12 : 0), bytes.end()));
  }
  return wire;
}

}  // namespace fairlead::test

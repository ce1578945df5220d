#include "watcher/dns_client.hpp"

#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <system_error>

#include "router/base/split_list.hpp"

namespace fairlead {
namespace {

constexpr int max_records = 512;  // of one answer; NameLimits has the limit that counts
constexpr const char* resolv_conf = "/etc/resolv.conf";

struct Stamp {
  timespec changed{};
  ino_t file = 0;

  bool operator==(const Stamp& other) const {
    return file == other.file && changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
  }
};

Stamp stamp_of_servers() {
  struct stat found {};
  if (::stat(resolv_conf, &found) != 0) return {};
  return {found.st_mtim, found.st_ino};
}

IpAddress address_of(const ares_addrttl& record) {
  return IpAddress::v4(ntohl(record.ipaddr.s_addr));
}

IpAddress address_of(const ares_addr6ttl& record) {
  std::array<std::uint8_t, 16> bytes{};
  static_assert(sizeof record.ip6addr == sizeof bytes);
  std::memcpy(bytes.data(), &record.ip6addr, sizeof bytes);
  return IpAddress(bytes);
}

// The TTL of a record is that of the CNAMEs before it, where these have less.
template <class Record>
NameReply read_records(const std::array<Record, max_records>& records, int count) {
  NameReply reply;
  if (count == 0) {
    reply.type = NameReply::Type::no_address;
    return reply;
  }
  reply.type = NameReply::Type::addresses;
  reply.ttl = std::chrono::seconds::max();
  for (int i = 0; i < count; ++i) {
    const Record& record = records[static_cast<std::size_t>(i)];
    reply.addresses.push_back(address_of(record));
    reply.ttl = std::min(reply.ttl, std::chrono::seconds(std::max(record.ttl, 0)));
  }
  return reply;
}

NameReply reply_of_status(int status) {
  NameReply reply;
  if (status == ARES_ENODATA) {
    reply.type = NameReply::Type::no_address;
  } else if (status == ARES_ENOTFOUND) {
    reply.type = NameReply::Type::no_name;
  } else {
    reply.type = NameReply::Type::failed;
    reply.reason = ares_strerror(status);
  }
  return reply;
}

NameReply parse_answer(AddressFamily family, int status, const unsigned char* bytes, int size) {
  int count = max_records;
  if (status == ARES_SUCCESS && family == AddressFamily::v4) {
    std::array<ares_addrttl, max_records> records;
    status = ares_parse_a_reply(bytes, size, nullptr, records.data(), &count);
    if (status == ARES_SUCCESS) return read_records(records, count);
  } else if (status == ARES_SUCCESS) {
    std::array<ares_addr6ttl, max_records> records;
    status = ares_parse_aaaa_reply(bytes, size, nullptr, records.data(), &count);
    if (status == ARES_SUCCESS) return read_records(records, count);
  }
  return reply_of_status(status);
}

class AresClient final : public DnsClient {
 public:
  AresClient(std::string servers, std::chrono::milliseconds patience, int wake_fd)
      : servers_(std::move(servers)), patience_(patience), wake_fd_(wake_fd) {}

  ~AresClient() override {
    close_channel();
    ::close(wake_fd_);
  }

  Result<void> open_channel();
  void ask(const NameQuestion& question) override;
  Replies run(std::chrono::milliseconds wait) override;
  void wake() override {
    const std::uint64_t one = 1;
    if (::write(wake_fd_, &one, sizeof one) < 0) return;  // full: it is awake already
  }

 private:
  // Owned by c-ares while it is under way.
  struct Asked {
    AresClient* client;
    NameQuestion question;
  };

  static void on_answer(void* asked, int status, int timeouts, unsigned char* bytes, int size);
  static void on_socket(void* client, ares_socket_t socket, int readable, int writable);
  void close_channel();
  void follow_servers();

  const std::string servers_;
  const std::chrono::milliseconds patience_;
  const int wake_fd_;
  ares_channel channel_ = nullptr;
  Stamp stamp_;
  std::map<ares_socket_t, short> sockets_;  // with what is waited for
  std::size_t under_way_ = 0;
  Replies replies_;
};

Result<void> AresClient::open_channel() {
  stamp_ = stamp_of_servers();
  ares_options options{};
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  options.timeout = static_cast<int>(patience_.count());
  options.tries = rounds;
  options.sock_state_cb = &AresClient::on_socket;
  options.sock_state_cb_data = this;
  const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  if (const int status = ares_init_options(&channel_, &options, mask); status != ARES_SUCCESS) {
    channel_ = nullptr;
    return Failure{std::string("DNS cannot be set up: ") + ares_strerror(status)};
  }
  if (servers_.empty()) return {};
  if (const int status = ares_set_servers_ports_csv(channel_, servers_.c_str()); status != ARES_SUCCESS) {
    return Failure{"\"" + servers_ + "\" is no list of DNS servers: " + ares_strerror(status)};
  }
  return {};
}

void AresClient::close_channel() {
  if (channel_) ares_destroy(channel_);
  channel_ = nullptr;
  sockets_.clear();
}

// A laptop that changes networks; the file of a pod stays as it is.
void AresClient::follow_servers() {
  if (!servers_.empty() || under_way_ > 0 || stamp_of_servers() == stamp_) return;
  close_channel();
  if (!open_channel()) channel_ = nullptr;
}

void AresClient::ask(const NameQuestion& question) {
  follow_servers();
  ++under_way_;
  auto* const asked = new Asked{this, question};
  if (!channel_) return on_answer(asked, ARES_ENOTINITIALIZED, 0, nullptr, 0);
  const int type = question.family == AddressFamily::v4 ? ns_t_a : ns_t_aaaa;
  ares_query(channel_, question.name.c_str(), ns_c_in, type, &AresClient::on_answer, asked);
}

void AresClient::on_answer(void* asked, int status, int /*timeouts*/, unsigned char* bytes, int size) {
  const std::unique_ptr<Asked> done(static_cast<Asked*>(asked));
  AresClient& client = *done->client;
  --client.under_way_;
  if (status == ARES_EDESTRUCTION) return;
  NameReply reply = parse_answer(done->question.family, status, bytes, size);
  client.replies_.emplace_back(std::move(done->question), std::move(reply));
}

void AresClient::on_socket(void* client, ares_socket_t socket, int readable, int writable) {
  auto& sockets = static_cast<AresClient*>(client)->sockets_;
  if (!readable && !writable) {
    sockets.erase(socket);
  } else {
    sockets[socket] = static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
  }
}

DnsClient::Replies AresClient::run(std::chrono::milliseconds wait) {
  if (!replies_.empty()) wait = {};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
  timeval most{seconds.count(), std::chrono::microseconds(wait - seconds).count()};
  timeval sooner{};
  const timeval* const until = channel_ ? ares_timeout(channel_, &most, &sooner) : &most;
  std::vector<pollfd> polled{{wake_fd_, POLLIN, 0}};
  for (const auto& [socket, events] : sockets_) polled.push_back({socket, events, 0});
  // Rounded up: else the last millisecond would be spent in a loop.
  const int timeout = static_cast<int>(until->tv_sec * 1000 + (until->tv_usec + 999) / 1000);
  if (::poll(polled.data(), polled.size(), timeout) > 0 && polled.front().revents != 0) {
    std::uint64_t count = 0;
    if (::read(wake_fd_, &count, sizeof count) < 0) count = 0;  // somebody was faster
  }
  for (std::size_t i = 1; channel_ && i < polled.size(); ++i) {
    const auto [socket, events, happened] = polled[i];
    const bool in = (happened & (POLLIN | POLLERR | POLLHUP)) != 0;
    const bool out = (happened & POLLOUT) != 0;
    if (in || out) ares_process_fd(channel_, in ? socket : ARES_SOCKET_BAD, out ? socket : ARES_SOCKET_BAD);
  }
  if (channel_) ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // what took too long
  return std::exchange(replies_, {});
}

}  // namespace

Result<std::unique_ptr<DnsClient>> DnsClient::create(const std::string& servers, std::chrono::milliseconds patience) {
  const int wake_fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd < 0) return Failure{"eventfd: " + std::generic_category().message(errno)};
  std::string list;  // c-ares does not know spaces
  for (const std::string_view server : split_list(servers)) list.append(list.empty() ? "" : ",").append(server);
  auto client = std::make_unique<AresClient>(std::move(list), patience, wake_fd);
  if (const auto opened = client->open_channel(); !opened) return opened.error();
  return {boost::system::in_place_value, std::move(client)};
}

}  // namespace fairlead

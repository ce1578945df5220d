#include "watcher/name_resolver.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "watcher/dns_client.hpp"

namespace fairlead {
namespace {

using Clock = std::chrono::steady_clock;
using Time = NameTable::Time;

constexpr std::chrono::milliseconds longest_wait{60'000};

// Whether there is a route; nothing is sent.
template <class Address>
bool has_route(const Address& address, int family) {
  const int socket = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  const bool routed = ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(socket);
  return routed;
}

// IPv4, unless IPv6 is all that this host has. The addresses are those of documents (RFC 5737, RFC 3849).
AddressFamily preferred_family() {
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = htons(9);
  four.sin_addr.s_addr = htonl(0xC0000201);  // 192.0.2.1
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(9);
  constexpr std::uint8_t prefix[] = {0x20, 0x01, 0x0d, 0xb8};  // 2001:db8::
  std::copy(std::begin(prefix), std::end(prefix), six.sin6_addr.s6_addr);
  return !has_route(four, AF_INET) && has_route(six, AF_INET6) ? AddressFamily::v6 : AddressFamily::v4;
}

class ResolverThread final : public NameResolver {
 public:
  ResolverThread(std::unique_ptr<DnsClient> client, const NameLimits& limits, ChangeSink& sink)
      : client_(std::move(client)), sink_(sink), table_(limits, preferred_family(), std::random_device()()) {
    thread_ = std::thread([this] { run(); });
  }

  ~ResolverThread() override {
    stopping_ = true;
    client_->wake();
    thread_.join();
  }

  void want(const std::set<std::string>& names) override {
    {
      const std::lock_guard lock(mutex_);
      NameTable::Serials next;
      for (const std::string& name : names) {
        const auto before = wanted_.find(name);
        next.emplace(name, before == wanted_.end() ? ++last_serial_ : before->second);
      }
      wanted_ = std::move(next);
      wants_changed_ = true;
    }
    client_->wake();
  }

 private:
  void run();
  void follow_wants();
  void tell_news();
  std::chrono::milliseconds time_to_next() const;

  std::unique_ptr<DnsClient> client_;
  ChangeSink& sink_;
  std::atomic<bool> stopping_{false};

  std::mutex mutex_;  // guards what follows
  NameTable::Serials wanted_;
  std::uint64_t last_serial_ = 0;
  bool wants_changed_ = false;

  NameTable table_;  // of the thread
  std::thread thread_;
};

void ResolverThread::run() {
  while (!stopping_) {
    follow_wants();
    while (const auto question = table_.next(Clock::now())) client_->ask(*question);
    tell_news();
    for (auto& [question, reply] : client_->run(time_to_next())) {
      table_.on_reply(question, std::move(reply), Clock::now());
    }
  }
}

void ResolverThread::follow_wants() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(wants_changed_, false)) table_.want(wanted_, Clock::now());
}

std::chrono::milliseconds ResolverThread::time_to_next() const {
  const Time now = Clock::now();
  const Time at = table_.wake_at();
  if (at <= now) return {};
  return std::chrono::ceil<std::chrono::milliseconds>(std::min<Clock::duration>(at - now, longest_wait));
}

void ResolverThread::tell_news() {
  std::vector<Change> changes;
  for (auto& [name, answer] : table_.take_news()) {
    Change& change = changes.emplace_back();
    change.type = Change::Type::answer;
    change.name.name = name;
    change.answer = std::move(answer);
  }
  if (!changes.empty()) sink_.push(std::move(changes));
}

}  // namespace

Result<std::unique_ptr<NameResolver>> NameResolver::start(const NameResolverOptions& options, ChangeSink& sink) {
  auto client = DnsClient::create(options.servers, options.patience);
  if (!client) return client.error();
  return {boost::system::in_place_value, std::make_unique<ResolverThread>(std::move(*client), options.limits, sink)};
}

}  // namespace fairlead

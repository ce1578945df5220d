#include "tests/support/test_proxy.hpp"

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <thread>

namespace fairlead::test {
namespace {

Path unserved() {
  Path path;
  path.path = "/";
  return path;
}

}  // namespace

void KeptLog::write(LogLevel, std::string_view message) {
  const std::lock_guard lock(mutex_);
  text_.append(message).append("\n");
}

std::string KeptLog::text() const {
  const std::lock_guard lock(mutex_);
  return text_;
}

TestProxy::TestProxy() {
  std::signal(SIGPIPE, SIG_IGN);  // as the program does (block_stop_signals)
  options.bind_addresses = {IpAddress::v4(0x7f000001)};
  options.http_port = options.https_port = 0;
  options.workers = 1;
  options.access_log = "off";
  auto catch_all = std::make_shared<Host>();
  catch_all->paths.push_back(unserved());
  config.hosts[""] = catch_all;
}

TestProxy::~TestProxy() = default;

void TestProxy::route(const std::string& host, const std::string& path, const std::vector<std::uint16_t>& ports,
                      const std::function<void(Routed&)>& change) {
  Routed routed;
  routed.host.name = host;
  routed.upstream.name = "default-" + host + path + "-80";
  for (const std::uint16_t port : ports) routed.upstream.endpoints.push_back({IpAddress::v4(0x7f000001), port});
  std::sort(routed.upstream.endpoints.begin(), routed.upstream.endpoints.end());
  routed.path.path = path;
  routed.route.ns = "default";
  routed.route.ingress = "test";
  routed.route.service = host;
  routed.route.port = "80";
  change(routed);
  routed.upstream.key = routed.upstream.name;
  routed.route.upstream_key = routed.upstream.key;
  routed.path.route = std::make_shared<const Route>(routed.route);
  config.upstreams[routed.upstream.key] = std::make_shared<Upstream>(routed.upstream);
  Host changed = routed.host;
  if (const auto found = config.hosts.find(host); found != config.hosts.end()) changed.paths = found->second->paths;
  std::erase_if(changed.paths, [&](const Path& old) { return old.path == path && old.type == routed.path.type; });
  changed.paths.push_back(routed.path);
  if (std::none_of(changed.paths.begin(), changed.paths.end(), [](const Path& old) { return old.path == "/"; })) {
    changed.paths.push_back(unserved());
  }
  config.hosts[host] = std::make_shared<Host>(std::move(changed));
}

void TestProxy::remove_host(const std::string& host) {
  config.hosts.erase(host);
}

void TestProxy::tls(const std::string& host, std::shared_ptr<const TlsHost> certificates) {
  config.tls_hosts[host] = std::move(certificates);
}

void TestProxy::start() {
  auto started = Workers::start(options, log);
  if (!started) throw std::runtime_error(started.error().message);
  workers = std::move(*started);
  publisher = std::make_unique<Publisher>(
      log, [this](const std::shared_ptr<const Snapshot>& snapshot) { workers->publish(snapshot); });
  publish();
}

void TestProxy::publish() {
  const ConfigDelta delta = diff(published_, config);
  published_ = config;
  const std::uint64_t generation = ++generation_;
  publisher->update(generation, delta, std::make_shared<Problems>(problems));
  Ready& ready = workers->ready();
  if (!eventually([&] { return ready.workers_on(generation) == ready.worker_count(); })) {
    throw std::runtime_error("the Workers did not take the Snapshot");
  }
}

RawResponse TestProxy::get(const std::string& host, const std::string& path, const std::string& fields) {
  RawSocket socket = connect();
  socket.send("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n");
  return read_response(socket);
}

std::uint64_t TestProxy::counter(Counter WorkerCounters::*which) const {
  std::uint64_t sum = 0;
  for (const WorkerMetrics* metrics : workers->metrics()) sum += (metrics->counters.*which).value();
  return sum;
}

std::uint64_t TestProxy::limit_hits(std::string_view name) const {
  const auto names = LimitHits::names();
  const auto at = static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  std::uint64_t sum = 0;
  for (const WorkerMetrics* metrics : workers->metrics()) sum += metrics->counters.limit_hits.value(at);
  return sum;
}

bool TestProxy::eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + RawSocket::patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace fairlead::test

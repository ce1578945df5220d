#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>

#include "proxy/admin.hpp"
#include "tests/integration/manifest_proxy.hpp"
#include "tests/support/temporary_folder.hpp"

namespace fairlead {
namespace {

using namespace test;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class Observability : public ManifestProxy {
 protected:
  // The Workers and the pages over them, wired as the program does it, before anything is published.
  void start() {
    proxy.workers = Workers::start(proxy.options, proxy.log).value();
    proxy.publisher = std::make_unique<Publisher>(
        proxy.log, [this](const std::shared_ptr<const Snapshot>& snapshot) { proxy.workers->publish(snapshot); });
    MetricsSources counted;
    counted.workers = proxy.workers->metrics();
    counted.snapshot = [this] { return proxy.publisher->snapshot(); };
    counted.problems = [this] { return proxy.publisher->problems(); };
    counted.controller_class = "fairlead.dev/ingress-controller";
    metrics_ = std::make_unique<Metrics>(counted);
    AdminSources sources;
    sources.ready = &proxy.workers->ready();
    sources.metrics = [this] {
      if (const auto snapshot = proxy.publisher->snapshot()) proxy.workers->retain_series(snapshot->routes);
      return metrics_->page();
    };
    sources.problems = counted.problems;
    sources.snapshot = counted.snapshot;
    AdminOptions options;
    options.port = 0;
    admin_ = Admin::start(options, sources, proxy.log).value();
  }

  RawResponse page(const std::string& target) const {
    RawSocket socket = RawSocket::connect(admin_->port());
    socket.send("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return read_response(socket);
  }
  json json_page(const std::string& target) const { return json::parse(page(target).body); }

  // The value of the one line of /metrics that holds all of these; -1 when there is none or more than one.
  double metric(const std::string& name, const std::vector<std::string>& labels = {}) const {
    std::istringstream lines(page("/metrics").body);
    double value = -1;
    int found = 0;
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with(name + "{") && !line.starts_with(name + " ")) continue;
      const auto holds = [&](const std::string& label) { return line.find(label) != std::string::npos; };
      if (!std::all_of(labels.begin(), labels.end(), holds)) continue;
      value = std::stod(line.substr(line.rfind(' ')));
      ++found;
    }
    return found == 1 ? value : -1;
  }
  // Counters move a moment after the last byte of a response.
  bool reaches(double value, const std::string& name, const std::vector<std::string>& labels = {}) const {
    return TestProxy::eventually([&] { return metric(name, labels) == value; });
  }

  void wait_for_requests(std::uint64_t count) const {
    ASSERT_TRUE(TestProxy::eventually([&] { return proxy.counter(&WorkerCounters::requests) == count; }));
  }

  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<Admin> admin_;
};

TEST_F(Observability, ReadyMeansThatEveryWorkerServesTheFirstSnapshot) {
  proxy.options.workers = 2;
  start();
  EXPECT_EQ(page("/healthz").status, 200);
  EXPECT_EQ(page("/readyz").status, 503);
  EXPECT_EQ(page("/readyz").body, "not ready: no snapshot yet\n");
  EXPECT_EQ(json_page("/snapshot")["generation"], 0);
  EXPECT_EQ(page("/metrics").status, 200);
  serve({});
  EXPECT_EQ(page("/readyz").status, 200);
  EXPECT_EQ(json_page("/snapshot")["workers_on_this_generation"], 2);
  proxy.workers->drain();
  EXPECT_EQ(page("/readyz").status, 503);
  EXPECT_EQ(page("/healthz").status, 200);
}

TEST_F(Observability, TheSnapshotPageFollowsEachGeneration) {
  start();
  serve({});
  const json first = json_page("/snapshot");
  EXPECT_EQ(first["generation"], 1);
  EXPECT_EQ(first["upstreams"], 1);
  serve({.name = "second", .host = "b.test"});
  const json second = json_page("/snapshot");
  EXPECT_EQ(second["generation"], 2);
  EXPECT_EQ(second["hosts"], first["hosts"].get<int>() + 1);
  EXPECT_LT(second["age_seconds"].get<double>(), 10.0);
}

TEST_F(Observability, RoutesAndProblemsAreThoseOfTheObjects) {
  start();
  serve({.annotations = {{"proxy-read-timeout", "7"}, {"app-root", "/app"}, {"auth-url", "x"}}, .paths = {"Exact /e"}});
  const json routes = json_page("/routes?host=a.test")["routes"];
  ASSERT_EQ(routes.size(), 2u);
  const json& route = routes[0]["path"] == "/e" ? routes[0] : routes[1];
  EXPECT_EQ(route["match"], "exact");
  EXPECT_EQ(route["ingress"], "web");
  EXPECT_EQ(route["settings"]["read_timeout_ms"], 7000);
  EXPECT_THAT(route["policies"].dump(), HasSubstr("app-root /app"));
  EXPECT_EQ(route["upstream"]["name"], "shop-echo-80");
  EXPECT_EQ(route["upstream"]["endpoints"][0]["address"], "127.0.0.1:" + std::to_string(echo.port()));
  const json found = json_page("/problems?namespace=shop");
  EXPECT_EQ(found["total"], 1);
  EXPECT_EQ(found["problems"][0]["name"], "web");
  EXPECT_THAT(found["problems"][0]["field"].get<std::string>(), HasSubstr("auth-url"));
  EXPECT_TRUE(reaches(1, "fairlead_problems", {"severity=\"" + found["problems"][0]["severity"].get<std::string>()}));
}

TEST_F(Observability, RequestsAreCountedUnderTheNamesAndLabelsOfIngressNginx) {
  start();
  serve({.paths = {"Prefix /shop"}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(status("/shop/x?y=" + std::to_string(i)), 200);
  EXPECT_EQ(status("/other"), 404);
  wait_for_requests(4);
  const std::string labels =
      "controller_namespace=\"\",controller_class=\"fairlead.dev/ingress-controller\",controller_pod=\"\","
      "host=\"a.test\",path=\"/"
      "shop\",namespace=\"shop\",ingress=\"web\",service=\"echo\",method=\"GET\",status=\"200\","
      "canary=\"\"";
  const std::string text = page("/metrics").body;
  EXPECT_THAT(text, HasSubstr("nginx_ingress_controller_requests{" + labels + "} 3\n"));
  EXPECT_THAT(text, HasSubstr("nginx_ingress_controller_request_duration_seconds_count{" + labels + "} 3\n"));
  EXPECT_THAT(text,
              HasSubstr("nginx_ingress_controller_request_duration_seconds_bucket{" + labels + ",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("nginx_ingress_controller_response_duration_seconds_count{" + labels + "} 3\n"));
  EXPECT_EQ(metric("nginx_ingress_controller_requests", {"status=\"404\"", "host=\"a.test\"", "path=\"/\""}), 1);
  EXPECT_EQ(metric("nginx_ingress_controller_nginx_process_requests_total"), 4);
  EXPECT_EQ(metric("nginx_ingress_controller_nginx_process_connections_total", {"state=\"accepted\""}), 4);
  EXPECT_EQ(metric("fairlead_upstream_connects_total"), 1);
  EXPECT_EQ(metric("fairlead_upstream_reuses_total"), 2);
}

TEST_F(Observability, AConnectionIsAlwaysReadingOrWritingOrWaiting) {
  proxy.options.use_proxy_protocol = true;
  start();
  serve({});
  const std::string now = "nginx_ingress_controller_nginx_process_connections";
  RawSocket before_header = proxy.connect();
  EXPECT_TRUE(reaches(1, now, {"state=\"reading\""}));
  RawSocket in_handshake = RawSocket::connect(proxy.https_port());
  in_handshake.send("PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\n");
  EXPECT_TRUE(reaches(2, now, {"state=\"reading\""}));
  RawSocket idle = proxy.connect();
  idle.send("PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\n");
  EXPECT_TRUE(reaches(1, now, {"state=\"waiting\""}));
  EXPECT_EQ(metric(now, {"state=\"active\""}), 3);
  EXPECT_EQ(metric(now, {"state=\"reading\""}), 2);
  before_header.close();
  EXPECT_TRUE(reaches(1, now, {"state=\"reading\""}));
  proxy.workers->cut_connections();
  EXPECT_TRUE(reaches(0, now, {"state=\"active\""}));
  EXPECT_EQ(metric(now, {"state=\"reading\""}), 0);
  EXPECT_EQ(metric(now, {"state=\"waiting\""}), 0);
}

TEST_F(Observability, PromtoolReadsTheMetrics) {
  start();
  serve({.secret = "missing"});
  proxy.get("a.test");
  wait_for_requests(1);
  const TemporaryFolder folder;
  folder.write("metrics", page("/metrics").body);
  const int result = std::system(
      ("promtool check metrics < " + (folder / "metrics").string() + " > " + (folder / "said").string() + " 2>&1")
          .c_str());
  constexpr int lint_only = 3;
  EXPECT_TRUE(WEXITSTATUS(result) == 0 || WEXITSTATUS(result) == lint_only);
  std::ifstream said(folder / "said");
  for (std::string line; std::getline(said, line);) {
    // Its dashboards ask for these names, as they are.
    EXPECT_THAT(line, testing::StartsWith("nginx_ingress_controller_"));
  }
}

TEST_F(Observability, SeriesStayFewWhenClientsInventNames) {
  start();
  serve({});
  constexpr int invented = 300;
  RawSocket socket = proxy.connect();
  for (int i = 0; i < invented; ++i) {
    const std::string n = std::to_string(i);
    socket.send("M" + n + " /" + n + " HTTP/1.1\r\nHost: h" + n + ".invented.test\r\nContent-Length: 0\r\n\r\n");
    ASSERT_EQ(read_response(socket).status, 404);
  }
  wait_for_requests(invented);
  EXPECT_EQ(metric("nginx_ingress_controller_requests", {"host=\"_\"", "method=\"OTHER\"", "status=\"404\""}),
            invented);
  EXPECT_EQ(metric("fairlead_metric_series"), 1);
  EXPECT_THAT(page("/metrics").body, Not(HasSubstr("invented")));
}

TEST_F(Observability, UndefinedHostsAreCountedApartUpToALimit) {
  constexpr int limit = 300;
  proxy.options.metrics_per_undefined_host = true;
  proxy.options.max_metric_series = limit;
  start();
  serve({});
  RawSocket socket = proxy.connect();
  std::string batch;
  int unread = 0;
  for (int i = 0; i < limit + 100; ++i) {
    batch += "GET / HTTP/1.1\r\nHost: h" + std::to_string(i) + ".test\r\n\r\n";
    ++unread;
    if (unread < 100) continue;
    if (!socket.open()) break;
    ASSERT_TRUE(socket.send(batch));
    for (; unread > 0; --unread) {
      const RawResponse response = read_response(socket);
      ASSERT_EQ(response.status, 404);
      if (response.field("Connection") == "close") socket = proxy.connect();
    }
    batch.clear();
  }
  wait_for_requests(static_cast<std::uint64_t>(limit + 100));
  // Not by the page, which is large now.
  const RequestMetrics& counted = proxy.workers->metrics()[0]->requests;
  EXPECT_EQ(counted.dropped(), 100u);
  const auto series = counted.series();
  ASSERT_EQ(series.size(), static_cast<std::size_t>(limit) + 1);
  const auto overflow =
      std::find_if(series.begin(), series.end(), [](const auto& one) { return one->host == "overflow"; });
  ASSERT_NE(overflow, series.end());
  EXPECT_EQ((*overflow)->requests.value(), 100u);
}

TEST_F(Observability, SeriesOfAnIngressThatIsGoneGoToo) {
  start();
  serve({.name = "gone", .host = "gone.test"});
  serve({});
  proxy.get("a.test");
  proxy.get("gone.test");
  wait_for_requests(2);
  EXPECT_EQ(metric("nginx_ingress_controller_requests", {"ingress=\"gone\""}), 1);
  serve({.name = "gone", .host = "other.test"});
  EXPECT_TRUE(TestProxy::eventually([&] { return page("/metrics").body.find("gone.test") == std::string::npos; }));
  EXPECT_EQ(metric("nginx_ingress_controller_requests", {"host=\"a.test\""}), 1);
}

TEST_F(Observability, CertificatesAndOrphansAreShown) {
  apply(service_yaml("empty", {}));
  start();
  serve({.service = "empty"});
  EXPECT_EQ(metric("nginx_ingress_controller_orphan_ingress", {"ingress=\"web\"", "type=\"no-endpoint\""}), 1);
  EXPECT_GT(metric("nginx_ingress_controller_ssl_expire_time_seconds", {"host=\"_\""}), 1e9);
}

}  // namespace
}  // namespace fairlead

#include "proxy/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "proxy/metric_table.hpp"
#include "tests/support/readme.hpp"

namespace fairlead {
namespace {

using std::chrono::microseconds;
using testing::HasSubstr;
using testing::Not;

constexpr const char* controller =
    "controller_namespace=\"ingress\",controller_class=\"fairlead.dev/ingress-controller\",controller_pod=\"pod-1\"";

class MetricsPage : public testing::Test {
 protected:
  MetricsPage() {
    path_.path = "/cart";
    Route& route = path_.own_route();
    route.ns = "default";
    route.ingress = "shop";
    route.service = "web";
  }

  ExchangeRecord record(int status = 200) const {
    ExchangeRecord record;
    record.path = &path_;
    record.method = "GET";
    record.route_host = record.host = "a.example.com";
    record.host_defined = true;
    record.status = status;
    return record;
  }

  MetricsSources sources() {
    MetricsSources sources;
    sources.workers = {&one_, &other_};
    sources.snapshot = [this] { return snapshot_; };
    sources.problems = [this] { return problems_; };
    sources.api_contact_ages = [] { return std::vector<std::pair<std::string, double>>{{"ingresses", 1.5}}; };
    sources.written_back = [] {
      return WrittenBack{.election_id = "edge-leader",
                         .leading = true,
                         .status_pending = 3,
                         .status_written = 5,
                         .status_failed = 2,
                         .events_written = 7,
                         .events_dropped = 1};
    };
    sources.controller_namespace = "ingress";
    sources.controller_class = "fairlead.dev/ingress-controller";
    sources.controller_pod = "pod-1";
    return sources;
  }

  std::string page() { return Metrics(sources()).page(); }

  // A table with one path that has an endpoint, one without and one without a Service.
  void publish() {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->generation = 7;
    snapshot->published = std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
    snapshot->certificates = CertificateStore::create();
    auto host = std::make_shared<Host>();
    host->name = "a.example.com";
    ConfigDelta delta;
    for (const std::string name : {"good", "empty", "missing"}) {
      Path path = path_;
      path.path = "/" + name;
      Route& route = path.own_route();
      route.ingress = name;
      route.upstream_key = name;
      host->paths.push_back(path);
      if (name == "missing") continue;
      auto upstream = std::make_shared<Upstream>();
      upstream->key = upstream->name = name;
      if (name == "good") upstream->endpoints.push_back({IpAddress::v4(0x7f000001), 80});
      delta.upstreams[name] = upstream;
    }
    delta.hosts[host->name] = host;
    snapshot->routes = RouteTable::empty()->with(delta);
    snapshot_ = snapshot;
  }

  Path path_;
  WorkerMetrics one_{RequestMetricsOptions{}};
  WorkerMetrics other_{RequestMetricsOptions{}};
  std::shared_ptr<const Snapshot> snapshot_;
  std::shared_ptr<const Problems> problems_;
};

std::string labels_of_requests(const std::string& status) {
  return std::string("{") + controller +
         ",host=\"a.example.com\",path=\"/cart\",namespace=\"default\",ingress=\"shop\",service=\"web\","
         "method=\"GET\",status=\"" +
         status + "\",canary=\"\"";
}

TEST_F(MetricsPage, SumsTheWorkersRequests) {
  one_.record(record());
  one_.record(record());
  other_.record(record());
  other_.record(record(404));
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("# TYPE nginx_ingress_controller_requests counter\n"));
  EXPECT_THAT(text, HasSubstr("\nnginx_ingress_controller_requests" + labels_of_requests("200") + "} 3\n"));
  EXPECT_THAT(text, HasSubstr("\nnginx_ingress_controller_requests" + labels_of_requests("404") + "} 1\n"));
  EXPECT_THAT(text, HasSubstr("fairlead_metric_series 3\n"));
}

TEST_F(MetricsPage, ShowsCumulativeHistogramsInSeconds) {
  ExchangeRecord slow = record();
  slow.request_time = microseconds(20'000'000);
  one_.record(slow);
  ExchangeRecord fast = record();
  fast.request_time = microseconds(4'000);
  other_.record(fast);
  const std::string name = "\nnginx_ingress_controller_request_duration_seconds";
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("# TYPE nginx_ingress_controller_request_duration_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket" + labels_of_requests("200") + ",le=\"0.005\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket" + labels_of_requests("200") + ",le=\"10\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket" + labels_of_requests("200") + ",le=\"+Inf\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(name + "_count" + labels_of_requests("200") + "} 2\n"));
  EXPECT_THAT(text, HasSubstr(name + "_sum" + labels_of_requests("200") + "} 20.004"));
}

TEST_F(MetricsPage, EscapesLabels) {
  path_.path = "/a\"b\\c\nd";
  one_.record(record());
  EXPECT_THAT(page(), HasSubstr("path=\"/a\\\"b\\\\c\\nd\""));
}

TEST_F(MetricsPage, LeavesTheHostOutWhenItIsNotCounted) {
  WorkerMetrics without(RequestMetricsOptions{.per_host = false});
  without.record(record());
  MetricsSources sources = this->sources();
  sources.workers = {&without};
  EXPECT_THAT(Metrics(sources).page(), Not(HasSubstr("host=\"\"")));
}

TEST_F(MetricsPage, CountsConnectionsAsNginxDoes) {
  one_.counters.accepted.add(5);
  other_.counters.accepted.add(2);
  other_.counters.shed.add(1);
  one_.counters.active.add(3);
  one_.counters.waiting.add(3);
  const std::string text = page();
  const std::string name = std::string("nginx_ingress_controller_nginx_process_connections");
  EXPECT_THAT(text, HasSubstr(name + "_total{" + controller + ",state=\"accepted\"} 8\n"));
  EXPECT_THAT(text, HasSubstr(name + "_total{" + controller + ",state=\"handled\"} 7\n"));
  EXPECT_THAT(text, HasSubstr(name + "{" + controller + ",state=\"active\"} 3\n"));
  EXPECT_THAT(text, HasSubstr(name + "{" + controller + ",state=\"waiting\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("fairlead_connections_shed_total 1\n"));
}

TEST_F(MetricsPage, CountsRetriesAndLimits) {
  ExchangeRecord retried = record();
  retried.attempt_count = 3;
  retried.limit = "proxy_body_size";
  one_.record(retried);
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("fairlead_retries_total 2\n"));
  EXPECT_THAT(text, HasSubstr("fairlead_limit_hits_total{limit=\"proxy_body_size\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("fairlead_limit_hits_total{limit=\"header_timeout\"} 0\n"));
  EXPECT_THAT(text, HasSubstr(std::string("nginx_process_requests_total{") + controller + "} 1\n"));
}

TEST_F(MetricsPage, CountsWhatRequestsOfGrpcWereTold) {
  ExchangeRecord called = record();
  called.grpc = true;
  one_.record(called);
  called.grpc_status = GrpcStatus::unavailable;
  one_.record(called);
  other_.record(called);
  other_.record(record());
  const std::string text = page();
  const std::string labels =
      "fairlead_grpc_requests_total{host=\"a.example.com\",path=\"/cart\",namespace=\"default\","
      "ingress=\"shop\",service=\"web\",method=\"GET\",status=\"200\",canary=\"\",grpc_status=";
  EXPECT_THAT(text, HasSubstr(labels + "\"14\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(labels + "\"none\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("grpc_status=\"0\"")));
}

TEST_F(MetricsPage, CountsRequestsByProtocol) {
  ExchangeRecord spoken = record();
  one_.record(spoken);
  spoken.http_minor = 0;
  one_.record(spoken);
  spoken = record();
  spoken.http_major = 2;
  one_.record(spoken);
  other_.record(spoken);
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("fairlead_requests_by_protocol_total{protocol=\"HTTP/1.0\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("fairlead_requests_by_protocol_total{protocol=\"HTTP/1.1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("fairlead_requests_by_protocol_total{protocol=\"HTTP/2.0\"} 2\n"));
}

TEST_F(MetricsPage, SaysThatNothingIsServedYet) {
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr(std::string("config_last_reload_successful{") + controller + "} 0\n"));
  EXPECT_THAT(text, HasSubstr(std::string("config_hash{") + controller + "} 0\n"));
  EXPECT_THAT(text, HasSubstr("fairlead_problems{severity=\"error\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("fairlead_snapshot_age_seconds")));
}

TEST_F(MetricsPage, DescribesTheSnapshot) {
  publish();
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr(std::string("config_hash{") + controller + "} 7\n"));
  EXPECT_THAT(text, HasSubstr(std::string("config_last_reload_successful{") + controller + "} 1\n"));
  EXPECT_THAT(text, HasSubstr(std::string("successful_timestamp_seconds{") + controller + "} 1700000000\n"));
  EXPECT_THAT(text, HasSubstr("fairlead_snapshot_generation 7\n"));
  EXPECT_THAT(text, HasSubstr("fairlead_snapshot_age_seconds "));
  EXPECT_THAT(text, HasSubstr("fairlead_paths 3\n"));
}

TEST_F(MetricsPage, NamesIngressesThatLeadNowhere) {
  publish();
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("namespace=\"default\",ingress=\"empty\",type=\"no-endpoint\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("namespace=\"default\",ingress=\"missing\",type=\"no-service\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("ingress=\"good\",type")));
}

TEST_F(MetricsPage, SaysWhenTheDefaultCertificateExpires) {
  publish();
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("# TYPE nginx_ingress_controller_ssl_expire_time_seconds gauge\n"));
  EXPECT_THAT(text, HasSubstr("class=\"fairlead.dev/ingress-controller\",host=\"_\""));
}

TEST_F(MetricsPage, CountsProblemsBySeverity) {
  problems_ = std::make_shared<Problems>(Problems{{{"Ingress", "a", "b"}, "f", "m", Severity::error},
                                                  {{"Ingress", "a", "c"}, "f", "m", Severity::error},
                                                  {{"Secret", "a", "d"}, "f", "m", Severity::notice}});
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("fairlead_problems{severity=\"error\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("fairlead_problems{severity=\"notice\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("fairlead_problems{severity=\"warning\"} 0\n"));
}

TEST_F(MetricsPage, ReportsTheProcess) {
  const std::string text = page();
  for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds",
                           "process_max_fds", "process_start_time_seconds"}) {
    const std::size_t at = text.find("\n" + std::string(name) + " ");
    ASSERT_NE(at, std::string::npos) << name;
    EXPECT_GE(std::stod(text.substr(at + 2 + std::string(name).size())), 0) << name;
  }
}

std::string kind_text(MetricKind kind) {
  return kind == MetricKind::counter ? "counter" : kind == MetricKind::gauge ? "gauge" : "histogram";
}

TEST_F(MetricsPage, HoldsExactlyTheMetricsOfTheTable) {
  publish();
  ExchangeRecord called = record();
  called.grpc = true;
  one_.record(called);
  std::set<std::string> wanted;
  for (const MetricSpec& spec : metric_specs()) {
    EXPECT_TRUE(wanted.insert(std::string(spec.name) + ' ' + kind_text(spec.kind)).second) << spec.name;
  }
  std::set<std::string> shown;
  std::istringstream stream(page());
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with("# TYPE ")) continue;
    EXPECT_TRUE(shown.insert(line.substr(7)).second) << line << " stands twice";
  }
  EXPECT_EQ(shown, wanted);
}

// The labels of each line stand in the table, in its order.
TEST_F(MetricsPage, HasTheLabelsOfTheTable) {
  publish();
  ExchangeRecord called = record();
  called.grpc = true;
  one_.record(called);
  const std::string text = page();
  for (const MetricSpec& spec : metric_specs()) {
    const std::string name = std::string(spec.name) + (spec.kind == MetricKind::histogram ? "_count" : "");
    std::string pattern = spec.name.starts_with("nginx_ingress_controller_")
                              ? "controller_namespace=\"[^\"]*\",controller_class=\"[^\"]*\",controller_pod=\"[^\"]*\""
                              : "";
    std::istringstream labels{std::string(spec.labels)};
    for (std::string label; std::getline(labels >> std::ws, label, ',');) {
      pattern += (pattern.empty() ? "" : ",") + label + "=\"[^\"]*\"";
    }
    const std::size_t at = text.find("\n" + name + (pattern.empty() ? " " : "{"));
    ASSERT_NE(at, std::string::npos) << name;
    const std::string line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
    EXPECT_THAT(line, testing::ContainsRegex("^" + name + (pattern.empty() ? "" : "\\{" + pattern + "\\}") + " "));
  }
}

TEST_F(MetricsPage, ShowsHowLongTheApiServerIsSilent) {
  EXPECT_THAT(page(), HasSubstr("fairlead_api_last_contact_age_seconds{resource=\"ingresses\"} 1.5\n"));
  MetricsSources without = sources();
  without.api_contact_ages = nullptr;
  EXPECT_THAT(Metrics(without).page(), Not(HasSubstr("last_contact")));
}

TEST_F(MetricsPage, ShowsWhoLeadsAndWhatIsWrittenBack) {
  MetricsSources without = sources();  // without an API server
  without.written_back = nullptr;
  EXPECT_THAT(Metrics(without).page(), Not(HasSubstr("leader_election_status")));
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("nginx_ingress_controller_leader_election_status{" + std::string(controller) +
                              ",name=\"edge-leader\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("fairlead_status_pending 3\n"));
  EXPECT_THAT(text, HasSubstr("fairlead_status_writes_total{result=\"written\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("fairlead_status_writes_total{result=\"failed\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("fairlead_events_total{result=\"written\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("fairlead_events_total{result=\"dropped\"} 1\n"));
}

TEST(Readme, HoldsTheTableOfMetrics) {
  test::expect_readme_holds("metrics", metric_table());
}

}  // namespace
}  // namespace fairlead

#include "proxy/request_metrics.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/allocation_count.hpp"

namespace fairlead {
namespace {

using std::chrono::microseconds;

Path path_of(std::string ns, std::string ingress, std::string path = "/") {
  Path result;
  result.path = std::move(path);
  Route& route = result.own_route();
  route.ns = std::move(ns);
  route.ingress = std::move(ingress);
  route.service = "web";
  return result;
}

ExchangeRecord record_of(const Path& path, std::string_view host = "a.example.com", int status = 200) {
  ExchangeRecord record;
  record.path = &path;
  record.method = "GET";
  record.host = host;
  record.route_host = host;
  record.host_defined = true;
  record.status = status;
  return record;
}

const RequestSeries* find(const RequestMetrics::SeriesList& list, std::string_view host, std::string_view status) {
  for (const auto& series : list) {
    if (series->host == host && series->status == status) return series.get();
  }
  return nullptr;
}

class Recorded : public testing::Test {
 protected:
  const Path path_ = path_of("default", "shop", "/cart");
};

using RequestMetricsTest = Recorded;

TEST_F(RequestMetricsTest, CountOneSeriesForTheSameLabels) {
  RequestMetrics metrics({});
  for (int i = 0; i < 3; ++i) metrics.record(record_of(path_));
  metrics.record(record_of(path_, "a.example.com", 404));
  const auto list = metrics.series();
  ASSERT_EQ(list.size(), 2u);
  const RequestSeries& series = *find(list, "a.example.com", "200");
  EXPECT_EQ(series.requests.value(), 3u);
  EXPECT_EQ(series.path, "/cart");
  EXPECT_EQ(series.ns, "default");
  EXPECT_EQ(series.ingress, "shop");
  EXPECT_EQ(series.service, "web");
  EXPECT_EQ(series.method, "GET");
  EXPECT_EQ(find(list, "a.example.com", "404")->requests.value(), 1u);
}

TEST_F(RequestMetricsTest, PutValuesIntoTheBucketWhoseBoundTheyDoNotExceed) {
  RequestMetrics metrics({});
  ExchangeRecord record = record_of(path_);
  record.request_time = microseconds(5'000);
  record.request_length = 101;
  record.bytes_sent = 11;
  metrics.record(record);
  record.request_time = microseconds(5'001);
  metrics.record(record);
  const auto list = metrics.series();
  const RequestSeries& series = *list.front();
  EXPECT_EQ(series.request_duration.count(0), 1u);
  EXPECT_EQ(series.request_duration.count(1), 1u);
  EXPECT_EQ(series.request_duration.sum(), 10'001u);
  EXPECT_EQ(series.request_size.count(length_bounds.size()), 2u);  // beyond the last bound
  EXPECT_EQ(series.response_size.count(1), 2u);
  EXPECT_EQ(series.bytes_sent.count(1), 2u);
}

TEST_F(RequestMetricsTest, ObserveTheTimesOfTheLastAttemptThatHappened) {
  RequestMetrics metrics({});
  ExchangeRecord record = record_of(path_);
  metrics.record(record);  // no attempt at all
  record.attempt_count = 2;
  record.attempts[0].connect_time = microseconds(9'000'000);
  record.attempts[1].connect_time = microseconds(0);
  record.attempts[1].header_time = microseconds(20'000);
  metrics.record(record);
  const auto list = metrics.series();
  const RequestSeries& series = *list.front();
  EXPECT_EQ(series.request_duration.count(0), 2u);
  EXPECT_EQ(series.connect_duration.count(0), 1u);
  EXPECT_EQ(series.connect_duration.sum(), 0u);
  EXPECT_EQ(series.header_duration.sum(), 20'000u);
  for (std::size_t i = 0; i <= time_bounds.size(); ++i) EXPECT_EQ(series.response_duration.count(i), 0u);
}

TEST_F(RequestMetricsTest, NameTheHostAsTheIngressDoes) {
  RequestMetrics metrics({});
  ExchangeRecord record = record_of(path_);
  record.host = "b.example.com";
  record.route_host = "*.example.com";
  metrics.record(record);
  record.route_host = "";
  record.host = "made.up";
  record.host_defined = false;
  metrics.record(record);
  const auto list = metrics.series();
  EXPECT_NE(find(list, "*.example.com", "200"), nullptr);
  EXPECT_NE(find(list, "_", "200"), nullptr);
  EXPECT_EQ(list.size(), 2u);
}

TEST_F(RequestMetricsTest, NameUndefinedHostsWhenAsked) {
  RequestMetrics metrics({.per_undefined_host = true});
  ExchangeRecord record = record_of(path_);
  record.route_host = "";
  record.host = "made.up";
  record.host_defined = false;
  metrics.record(record);
  record.host = "";
  metrics.record(record);
  EXPECT_NE(find(metrics.series(), "made.up", "200"), nullptr);
  EXPECT_NE(find(metrics.series(), "_", "200"), nullptr);
}

TEST_F(RequestMetricsTest, LeaveTheHostOutWhenAsked) {
  RequestMetrics metrics({.per_host = false});
  metrics.record(record_of(path_, "a.example.com"));
  metrics.record(record_of(path_, "b.example.com"));
  ASSERT_EQ(metrics.series().size(), 1u);
  EXPECT_EQ(metrics.series().front()->host, "");
}

TEST_F(RequestMetricsTest, JoinStatusesInClassesWhenAsked) {
  RequestMetrics metrics({.status_classes = true});
  metrics.record(record_of(path_, "a", 200));
  metrics.record(record_of(path_, "a", 204));
  metrics.record(record_of(path_, "a", 503));
  EXPECT_EQ(find(metrics.series(), "a", "2xx")->requests.value(), 2u);
  EXPECT_EQ(find(metrics.series(), "a", "5xx")->requests.value(), 1u);
}

TEST_F(RequestMetricsTest, JoinMethodsThatNobodyKnows) {
  RequestMetrics metrics({});
  for (const char* method : {"FOO", "BAR", "get"}) {
    ExchangeRecord record = record_of(path_);
    record.method = method;
    metrics.record(record);
  }
  ASSERT_EQ(metrics.series().size(), 1u);
  EXPECT_EQ(metrics.series().front()->method, "OTHER");
}

TEST_F(RequestMetricsTest, CountARequestThatNeverReachedRouting) {
  RequestMetrics metrics({});
  ExchangeRecord record;
  record.status = 400;
  metrics.record(record);
  const auto list = metrics.series();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list.front()->host, "_");
  EXPECT_EQ(list.front()->method, "");
  EXPECT_EQ(list.front()->ingress, "");
}

TEST_F(RequestMetricsTest, CountWhatIsBeyondTheLimitUnderOverflow) {
  RequestMetrics metrics({.max_series = 2});
  for (const char* host : {"a", "b", "c", "d", "a", "c"}) metrics.record(record_of(path_, host));
  const auto list = metrics.series();
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(find(list, "a", "200")->requests.value(), 2u);
  const RequestSeries* const overflow = find(list, "overflow", "overflow");
  ASSERT_NE(overflow, nullptr);
  EXPECT_EQ(overflow->requests.value(), 3u);
  EXPECT_EQ(overflow->ingress, "overflow");
  EXPECT_EQ(metrics.dropped(), 3u);
}

TEST_F(RequestMetricsTest, FindEverySeriesAgainAmongMany) {
  RequestMetrics metrics({});
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 3000; ++i) metrics.record(record_of(path_, "h" + std::to_string(i)));
  }
  const auto list = metrics.series();
  ASSERT_EQ(list.size(), 3000u);
  for (const auto& series : list) EXPECT_EQ(series->requests.value(), 2u) << series->host;
}

TEST_F(RequestMetricsTest, AllocateNothingForAKnownSeries) {
  RequestMetrics metrics({.max_series = 1});
  const ExchangeRecord known = record_of(path_);
  const ExchangeRecord beyond = record_of(path_, "b.example.com");
  metrics.record(known);
  metrics.record(beyond);
  const std::size_t before = allocation_count();
  for (int i = 0; i < 1000; ++i) {
    metrics.record(known);
    metrics.record(beyond);
  }
  EXPECT_EQ(allocation_count(), before);
}

std::shared_ptr<const RouteTable> table_of(const std::string& host_name, const std::vector<Path>& paths) {
  auto host = std::make_shared<Host>();
  host->name = host_name;
  host->paths = paths;
  ConfigDelta delta;
  delta.hosts[host_name] = host;
  return RouteTable::empty()->with(delta);
}

TEST_F(RequestMetricsTest, DropTheSeriesOfHostsAndIngressesThatAreGone) {
  const Path gone = path_of("default", "gone");
  RequestMetrics metrics({.max_series = 4});
  metrics.record(record_of(path_));
  metrics.record(record_of(path_, "gone.example.com"));
  metrics.record(record_of(gone));
  ExchangeRecord nobody;
  nobody.status = 404;
  metrics.record(nobody);
  metrics.record(record_of(gone, "x"));  // overflow
  const auto held = metrics.series();

  metrics.retain(LiveRoutes(*table_of("a.example.com", {path_})));
  const auto list = metrics.series();
  ASSERT_EQ(list.size(), 3u);
  EXPECT_NE(find(list, "a.example.com", "200"), nullptr);
  EXPECT_NE(find(list, "_", "404"), nullptr);
  EXPECT_NE(find(list, "overflow", "overflow"), nullptr);

  // What is left is found again, and there is room for others.
  metrics.record(record_of(path_));
  EXPECT_EQ(find(metrics.series(), "a.example.com", "200")->requests.value(), 2u);
  metrics.record(record_of(path_, "new.example.com"));
  EXPECT_EQ(find(metrics.series(), "new.example.com", "200")->requests.value(), 1u);
  EXPECT_EQ(held.size(), 5u);  // whoever holds the old series may go on reading them
  EXPECT_EQ(find(held, "gone.example.com", "200")->requests.value(), 1u);
}

TEST_F(RequestMetricsTest, MayBeReadWhileTheWorkerRecords) {
  RequestMetrics metrics({});
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done.load()) {
      for (const auto& series : metrics.series()) ASSERT_FALSE(series->host.empty());
    }
  });
  const LiveRoutes live(*table_of("h1", {path_}));
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 200; ++i) metrics.record(record_of(path_, "h" + std::to_string(i)));
    metrics.retain(live);
  }
  done.store(true);
  reader.join();
  EXPECT_EQ(find(metrics.series(), "h1", "200")->requests.value(), 20u);
}

}  // namespace
}  // namespace fairlead

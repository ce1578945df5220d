#include "proxy/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "proxy/options_flags.hpp"
#include "tests/support/readme.hpp"

namespace fairlead {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr const char* a_source = "--manifests=/m";

std::variant<Options, ParseExit> parse(std::vector<const char*> arguments, Surroundings surroundings = {}) {
  arguments.insert(arguments.begin(), "fairlead");
  return parse_options(static_cast<int>(arguments.size()), arguments.data(), surroundings);
}

Options accepted(std::vector<const char*> arguments) {
  arguments.push_back(a_source);
  auto result = parse(arguments);
  if (const auto* exit = std::get_if<ParseExit>(&result)) ADD_FAILURE() << exit->text;
  return std::holds_alternative<Options>(result) ? std::get<Options>(std::move(result)) : Options();
}

std::string refused(std::vector<const char*> arguments) {
  arguments.push_back(a_source);
  const auto result = parse(arguments);
  const auto* const exit = std::get_if<ParseExit>(&result);
  if (!exit) {
    ADD_FAILURE() << "accepted";
    return "";
  }
  EXPECT_EQ(exit->code, 2) << exit->text;
  return exit->text;
}

TEST(Options, HaveDefaults) {
  const Options options = accepted({});
  EXPECT_EQ(options.manifests, "/m");
  EXPECT_EQ(options.http_port, 80);
  EXPECT_EQ(options.https_port, 443);
  EXPECT_EQ(options.healthz_port, 10254);
  EXPECT_EQ(options.ingress_class, "nginx");
  EXPECT_EQ(options.controller_class, "fairlead.dev/ingress-controller");
  EXPECT_EQ(options.limits, Limits{});
  EXPECT_THAT(options.warnings, IsEmpty());
}

TEST(Options, AreReadInBothForms) {
  EXPECT_EQ(accepted({"--http-port", "8080"}).http_port, 8080);
  EXPECT_EQ(accepted({"--http-port=8080"}).http_port, 8080);
  EXPECT_EQ(accepted({"--http-port=8080", "--http-port=9090"}).http_port, 9090);
  EXPECT_EQ(accepted({"--access-log", "-"}).access_log, "-");
  EXPECT_EQ(accepted({"--access-log", "off"}).access_log, "off");
  EXPECT_EQ(accepted({"--watch-namespace="}).watch_namespace, "");
}

TEST(Options, SwitchesAreThoseOfGo) {
  EXPECT_TRUE(accepted({"--watch-ingress-without-class"}).watch_ingress_without_class);
  EXPECT_TRUE(accepted({"--watch-ingress-without-class=true"}).watch_ingress_without_class);
  EXPECT_FALSE(accepted({"--metrics-per-host=false"}).metrics_per_host);
  EXPECT_FALSE(accepted({"--metrics-per-host=0"}).metrics_per_host);
  EXPECT_THAT(refused({"--metrics-per-host=maybe"}), HasSubstr("--metrics-per-host=maybe: must be true or false"));
  EXPECT_THAT(refused({"--metrics-per-host="}), HasSubstr("--metrics-per-host=: must be true or false"));
  // As with Go, the value of a switch needs '='.
  EXPECT_THAT(refused({"--metrics-per-host", "false"}), HasSubstr("unexpected argument \"false\""));
}

TEST(Options, VerbosityIsThatOfKlog) {
  EXPECT_EQ(accepted({"-v", "2"}).log_level, LogLevel::info);
  EXPECT_EQ(accepted({"-v", "3"}).log_level, LogLevel::debug);
  EXPECT_EQ(accepted({"-v=5"}).log_level, LogLevel::debug);
  EXPECT_EQ(accepted({"-v5"}).log_level, LogLevel::debug);
  EXPECT_EQ(accepted({"--v=5"}).log_level, LogLevel::debug);
  EXPECT_EQ(accepted({"--v", "0"}).log_level, LogLevel::info);
  EXPECT_EQ(accepted({"--log-level", "error"}).log_level, LogLevel::error);
  EXPECT_THAT(refused({"-v", "x"}), HasSubstr("-v=x: must be a whole number"));
}

TEST(Options, ListsMayBeRepeated) {
  const Options options = accepted({"--proxy-real-ip-cidr=10.0.0.0/8, fd00::/8", "--proxy-real-ip-cidr", "192.0.2.1"});
  ASSERT_EQ(options.proxy_real_ip_cidr.size(), 3u);
  EXPECT_EQ(options.proxy_real_ip_cidr[1].to_string(), "fd00::/8");
  EXPECT_THAT(refused({"--bind-address=localhost"}), HasSubstr("\"localhost\" is none"));
}

TEST(Options, ChooseFormats) {
  EXPECT_EQ(accepted({"--log-format", "json"}).log_format, AccessLogFormat::json);
  EXPECT_EQ(accepted({"--log-format=upstreaminfo"}).log_format, AccessLogFormat::upstreaminfo);
  EXPECT_EQ(accepted({"--log-format=upstreaminfo-grpc"}).log_format, AccessLogFormat::upstreaminfo_grpc);
  EXPECT_EQ(accepted({"--program-log-format=json"}).program_log_format, ProgramLogFormat::json);
  EXPECT_THAT(refused({"--log-format=xml"}),
              HasSubstr("--log-format=xml: must be one of upstreaminfo upstreaminfo-grpc json"));
}

TEST(Options, RefuseValuesWithoutSense) {
  const std::pair<const char*, const char*> cases[] = {
      {"--http-port=65536", "from 0 to 65535"},
      {"--http-port=-1", "from 0 to 65535"},
      {"--http-port=http", "from 0 to 65535"},
      {"--http-port=", "from 0 to 65535"},
      {"--workers=5000", "from 0 to 1024"},
      {"--idle-timeout=0", "must be a time above zero"},
      {"--idle-timeout=soon", "such as 10s"},
      {"--max-request-line-bytes=10", "must be a size from 64"},
      {"--max-request-head-bytes=64k", "must be a size from 128 to 63k"},
      {"--max-header-count=0", "from 1"},
      {"--watch-namespace=A_B", "name of a namespace"},
      {"--watch-namespace-selector=team>1", "must be a label selector such as team=shop, and has \">1\" after the key"},
      {"--default-ssl-certificate=cert", "\"namespace/name\""},
      {"--default-backend-service=a/b/c", "\"namespace/name\""},
      {"--configmap=x", "\"namespace/name\""},
      {"--ingress-class=", "must be a name"},
      {"--controller-class=a b", "must be a name"},
      {"--annotations-prefix=a/b", "DNS name"},
      {"--apiserver-host=10.0.0.1", "must be a URL"},
      {"--healthz-host=localhost", "must be an IP address"},
      {"--dns-servers=dns.test", "must be addresses such as"},
      {"--dns-servers=10.0.0.1:0", "must be addresses such as"},
      {"--dns-servers=10.0.0.1,fd00::a:x", "must be addresses such as"},
      {"--server-header=a\r\nb: c", "must be a product name"},
      {"--server-header= a", "must be a product name"},
      {"--health-check-path=healthz", "must begin with /"},
      {"--access-log=", "must be a path"},
      {"--log-level=loud", "error warning info debug"},
      {"--proxy-real-ip-cidr=10.0.0.0/33", "\"10.0.0.0/33\" is none"},
  };
  for (const auto& [argument, wanted] : cases) {
    const std::string text = refused({argument});
    EXPECT_THAT(text, HasSubstr(wanted)) << argument;
    EXPECT_THAT(text, HasSubstr(std::string("fairlead: ") + argument)) << "names the flag and its value";
  }
}

TEST(Options, RefuseWhatDoesNotGoTogether) {
  EXPECT_THAT(refused({"--kubeconfig=/k"}), HasSubstr("--manifests cannot be combined with --kubeconfig"));
  EXPECT_THAT(refused({"--apiserver-host=http://127.0.0.1:8001"}), HasSubstr("--manifests cannot be combined"));
  EXPECT_THAT(refused({"--kubeconfig-context=test"}), HasSubstr("--kubeconfig-context needs --kubeconfig"));
  EXPECT_THAT(refused({"--watch-namespace-selector=a=b"}), HasSubstr("cannot be combined with --manifests"));
  EXPECT_THAT(
      std::get<ParseExit>(parse({"--kubeconfig=/k", "--watch-namespace-selector=a=b", "--watch-namespace=shop"})).text,
      HasSubstr("--watch-namespace-selector cannot be combined with --watch-namespace"));
  EXPECT_THAT(refused({"--http-port=443"}), HasSubstr("--http-port and --https-port are both 443"));
  EXPECT_THAT(refused({"--healthz-port=80"}), HasSubstr("--http-port and --healthz-port are both 80"));
  EXPECT_THAT(refused({"--use-forwarded-headers"}), HasSubstr("--use-forwarded-headers needs --proxy-real-ip-cidr"));
  EXPECT_THAT(refused({"--use-proxy-protocol"}), HasSubstr("--use-proxy-protocol needs --proxy-real-ip-cidr"));
  EXPECT_THAT(refused({"--metrics-per-host=false", "--metrics-per-undefined-host"}),
              HasSubstr("needs --metrics-per-host"));
  EXPECT_THAT(refused({"--health-check-path=/metrics"}), HasSubstr("--health-check-path cannot be /metrics"));
  EXPECT_THAT(refused({"--max-request-head-bytes=1k"}), HasSubstr("--max-request-line-bytes is more than"));
  EXPECT_EQ(accepted({"--http-port=0", "--https-port=0", "--healthz-port=0"}).http_port, 0);
}

TEST(Options, NeedASourceOutsideACluster) {
  const auto nowhere = parse({});
  ASSERT_TRUE(std::holds_alternative<ParseExit>(nowhere));
  EXPECT_EQ(std::get<ParseExit>(nowhere).code, 2);
  EXPECT_THAT(std::get<ParseExit>(nowhere).text, HasSubstr("use --manifests DIR"));
  EXPECT_TRUE(std::holds_alternative<Options>(parse({}, {.in_cluster = true, .pod_name = {}, .pod_namespace = {}})));
  EXPECT_TRUE(std::holds_alternative<Options>(parse({"--kubeconfig=/k", "--apiserver-host=https://[fd00::1]:6443"})));
}

TEST(Options, KnowThePod) {
  const auto result = parse({a_source}, {.in_cluster = true, .pod_name = "pod-1", .pod_namespace = "ingress"});
  ASSERT_TRUE(std::holds_alternative<Options>(result));
  EXPECT_EQ(std::get<Options>(result).pod_name, "pod-1");
  EXPECT_EQ(std::get<Options>(result).pod_namespace, "ingress");
}

TEST(Options, NameAnUnknownFlagAndSuggestAnother) {
  EXPECT_THAT(refused({"--http-prt=1"}), StartsWith("fairlead: unknown flag --http-prt: did you mean --http-port?"));
  EXPECT_THAT(refused({"--something-else-entirely", "1"}),
              StartsWith("fairlead: unknown flag --something-else-entirely"));
  EXPECT_THAT(refused({"manifests"}), HasSubstr("unexpected argument \"manifests\""));
  EXPECT_THAT(refused({"--", "--http-port=1"}), HasSubstr("unexpected argument \"--http-port=1\""));
  EXPECT_THAT(refused({"--no-such-flag="}), StartsWith("fairlead: unknown flag --no-such-flag"));
  EXPECT_THAT(refused({"-x"}), HasSubstr("unknown flag -x"));
}

TEST(Options, WantTwoDashes) {
  EXPECT_THAT(refused({"-http-port=8080"}), HasSubstr("two dashes, as in --http-port=8080"));
  EXPECT_THAT(refused({"-help"}), HasSubstr("two dashes, as in --help"));
}

TEST(Options, NameAFlagWithoutItsValue) {
  const auto result = parse({a_source, "--http-port"});
  ASSERT_TRUE(std::holds_alternative<ParseExit>(result));
  EXPECT_EQ(std::get<ParseExit>(result).code, 2);
  EXPECT_THAT(std::get<ParseExit>(result).text, HasSubstr("--http-port"));
}

TEST(Options, EveryLimitHasAFlag) {
  // Does not compile when a field is added or removed: then change the count below, and add its flag.
  constexpr std::size_t fields = 34;
  const auto [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, bb, cc, dd, ee, ff, gg,
              hh] = Limits{};
  static_cast<void>(std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, bb, cc,
                             dd, ee, ff, gg, hh));

  Limits changed;
  std::size_t count = 0;
  for (const Flag& flag : flags()) {
    if (flag.group != "Limits") continue;
    Options options;
    const std::string value = flag.argument == "TIME" ? "77ms" : "7777";
    EXPECT_EQ(flag.read(options, value), std::nullopt) << flag.name;
    EXPECT_NE(options.limits, Limits{}) << flag.name << " changes nothing";
    Options all;
    all.limits = changed;
    EXPECT_EQ(flag.read(all, value), std::nullopt);
    EXPECT_NE(all.limits, changed) << flag.name << " changes what another flag does";
    changed = all.limits;
    ++count;
  }
  EXPECT_EQ(count, fields);
}

TEST(Options, EveryFlagTakesItsOwnDefault) {
  std::set<std::string_view> names;
  for (const Flag& flag : flags()) {
    EXPECT_TRUE(names.insert(flag.name).second) << flag.name << " stands twice";
    Options options;
    const std::string shown = flag.show(options);
    EXPECT_EQ(flag.read(options, shown), std::nullopt) << flag.name << '=' << shown;
    EXPECT_EQ(flag.show(options), shown) << flag.name;
    EXPECT_TRUE(flag.help.ends_with('.')) << flag.name;
  }
  for (const ForeignFlag& flag : foreign_flags()) {
    EXPECT_TRUE(names.insert(flag.name).second) << flag.name << " stands twice";
  }
}

TEST(Options, SayWhatIsWrittenBackAsInIngressNginx) {
  const Options defaults = accepted({});
  EXPECT_TRUE(defaults.update_status);
  EXPECT_TRUE(defaults.update_status_on_shutdown);
  EXPECT_EQ(defaults.election_id, "ingress-controller-leader");
  EXPECT_EQ(defaults.election_ttl, std::chrono::seconds(30));
  EXPECT_EQ(defaults.status_update_interval, std::chrono::seconds(60));
  const Options options =
      accepted({"--publish-service=ingress/lb", "--update-status=false", "--election-id=edge-leader",
                "--election-ttl=1m", "--status-update-interval=5", "--disable-leader-election", "--disable-sync-events",
                "--report-node-internal-ip-address", "--update-status-on-shutdown=false"});
  EXPECT_EQ(options.publish_service, "ingress/lb");
  EXPECT_FALSE(options.update_status);
  EXPECT_FALSE(options.update_status_on_shutdown);
  EXPECT_EQ(options.election_id, "edge-leader");
  EXPECT_EQ(options.election_ttl, std::chrono::minutes(1));
  EXPECT_EQ(options.status_update_interval, std::chrono::seconds(5));
  EXPECT_TRUE(options.disable_leader_election);
  EXPECT_TRUE(options.disable_sync_events);
  EXPECT_TRUE(options.report_node_internal_ip_address);
  EXPECT_THAT(options.warnings, IsEmpty());
  EXPECT_EQ(accepted({"--publish-status-address=203.0.113.1, lb.test"}).publish_status_address, "203.0.113.1, lb.test");
}

TEST(Options, WhatIsWrittenBackIsChecked) {
  EXPECT_THAT(refused({"--publish-service=lb"}), HasSubstr("must be \"namespace/name\""));
  EXPECT_THAT(refused({"--publish-status-address=a b"}), HasSubstr("must be IP addresses or host names"));
  EXPECT_THAT(refused({"--publish-service=a/b", "--publish-status-address=a.test"}),
              HasSubstr("--publish-service cannot be combined with --publish-status-address"));
  EXPECT_THAT(refused({"--election-ttl=1s"}), HasSubstr("--election-ttl must be at least 2s"));
  EXPECT_THAT(refused({"--status-update-interval=4s"}), HasSubstr("--status-update-interval must be at least 5s"));
}

TEST(Options, OfServicesOfEveryKind) {
  const Options options = accepted({"--disable-svc-external-name", "--enable-topology-aware-routing",
                                    "--dns-servers=10.96.0.10,10.96.0.11:5353,[fd00::a]:53,fd00::b"});
  EXPECT_TRUE(options.disable_svc_external_name);
  EXPECT_TRUE(options.enable_topology_aware_routing);
  EXPECT_EQ(options.dns_servers, "10.96.0.10,10.96.0.11:5353,[fd00::a]:53,fd00::b");
  EXPECT_THAT(options.warnings, IsEmpty());
  EXPECT_EQ(accepted({"--server-header=shop/2.0"}).server_header, "shop/2.0");
  EXPECT_EQ(accepted({}).server_header, "");
}

TEST(ForeignFlags, AreAcceptedWithAWarningWhereIgnoringThemIsHarmless) {
  const Options options = accepted({"--status-port=10246", "--profiler-port", "10245", "--profiling",
                                    "--sync-rate-limit=0.3", "--deep-inspect=false", "--logtostderr"});
  ASSERT_EQ(options.warnings.size(), 5u);  // not for --logtostderr: that is where the log goes
  EXPECT_THAT(options.warnings, testing::Contains("--sync-rate-limit is ignored: changes apply at once"));
  EXPECT_THAT(options.warnings, testing::Contains(StartsWith("--profiling is ignored: ")));
}

TEST(ForeignFlags, AreTakenInSilenceWhereTheyAskForNothing) {
  EXPECT_THAT(accepted({"--enable-ssl-passthrough=false", "--validating-webhook=", "--disable-catch-all=F",
                        "--profiling=false"})
                  .warnings,
              IsEmpty());
}

TEST(ForeignFlags, AreRefusedWhereIgnoringThemIsUnsafe) {
  EXPECT_THAT(refused({"--enable-ssl-passthrough"}), StartsWith("fairlead: --enable-ssl-passthrough is refused: "));
  EXPECT_THAT(refused({"--validating-webhook=:8443"}), HasSubstr("--validating-webhook is refused"));
  EXPECT_THAT(refused({"--disable-catch-all=1"}), HasSubstr("--disable-catch-all is refused"));
  EXPECT_THAT(refused({"--certificate-authority=/ca"}), HasSubstr("use --kubeconfig"));
  EXPECT_THAT(refused({"--enable-ssl-passthrough=maybe"}), HasSubstr("must be true or false"));
}

std::string printed(const char* argument) {
  const auto result = parse({argument});
  if (!std::holds_alternative<ParseExit>(result)) return "";
  EXPECT_EQ(std::get<ParseExit>(result).code, 0);
  return std::get<ParseExit>(result).text;
}

TEST(Help, NamesEveryFlagWithItsDefault) {
  const std::string text = printed("--help");
  for (const Flag& flag : flags()) {
    EXPECT_THAT(text, HasSubstr("\n  " + std::string(flag.name.size() == 1 ? "-" : "--") + std::string(flag.name)));
  }
  EXPECT_THAT(text, HasSubstr("[10254]"));
  EXPECT_THAT(text, HasSubstr("--sync-rate-limit"));
  EXPECT_EQ(printed("-h"), text);
}

TEST(Help, FitsATerminal) {
  std::istringstream stream(printed("--help"));
  for (std::string line; std::getline(stream, line);) EXPECT_LE(line.size(), 112u) << line;
}

TEST(Help, IsGivenWhateverElseIsAsked) {
  EXPECT_EQ(std::get<ParseExit>(parse({"--help", "--no-such-flag"})).code, 0);
}

TEST(Version, IsPrinted) {
  EXPECT_EQ(printed("--version"), "fairlead " FAIRLEAD_VERSION "\n");
}

TEST(Readme, TablesStandBetweenTheirMarkers) {
  const std::string text = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n";
  EXPECT_EQ(test::with_table(text, "x", "new\n"), "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n");
  EXPECT_EQ(test::with_table(text, "x", "old\n"), text);
  EXPECT_EQ(test::with_table(text, "y", "new\n"), "");
  EXPECT_EQ(test::with_table("<!-- /x -->\n<!-- x -->\n", "x", "new\n"), "");
}

TEST(Readme, HoldsTheTableOfFlags) {
  test::expect_readme_holds("flags", flag_table());
}

}  // namespace
}  // namespace fairlead

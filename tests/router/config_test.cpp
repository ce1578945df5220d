#include "router/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "router/policies/policy.hpp"

namespace fairlead {
namespace {

class NamedPolicy final : public Policy {
 public:
  explicit NamedPolicy(std::string name) : name_(std::move(name)) {}
  std::string describe() const override { return name_; }

 private:
  std::string name_;
};

std::shared_ptr<const CertificateSource> certificate(std::string name, std::string chain, std::string key) {
  return std::make_shared<CertificateSource>(CertificateSource{
      .ns = "shop", .name = std::move(name), .certificate_pem = std::move(chain), .key_pem = std::move(key)});
}

// One of everything.
Config full_config() {
  Path path;
  path.path = "/cart";
  path.type = PathType::exact;
  Route& route = path.own_route();
  route.ns = "shop";
  route.ingress = "front";
  route.service = "cart";
  route.port = "http";
  route.upstream_key = "shop-cart-http/https";
  route.settings.read_timeout = std::chrono::milliseconds(1'500);
  route.settings.max_body_bytes = 0;
  route.policies.push_back(std::make_shared<NamedPolicy>("rewrite /$1"));
  Path guarded;
  guarded.path = "/admin";
  guarded.denied = true;

  Config config;
  config.hosts["shop.example.com"] = std::make_shared<Host>(Host{.name = "shop.example.com",
                                                                 .regex = true,
                                                                 .tls = true,
                                                                 .tls_policy = "client certificate",
                                                                 .paths = {path, guarded}});
  config.hosts[""] = std::make_shared<Host>();
  config.upstreams["shop-cart-http/https"] = std::make_shared<Upstream>(
      Upstream{.key = "shop-cart-http/https",
               .name = "shop-cart-http",
               .endpoints = {{*IpAddress::parse("10.0.0.7"), 8443}, {*IpAddress::parse("fd00::7"), 8443}},
               .balancing = Balancing::power_of_two,
               .protocol = UpstreamProtocol::https});
  config.tls_hosts["shop.example.com"] = std::make_shared<TlsHost>(
      TlsHost{.name = "shop.example.com", .candidates = {certificate("shop-tls", "CHAIN", "KEY-TEXT")}});
  config.tls_hosts[""] = std::make_shared<TlsHost>(TlsHost{.name = "", .candidates = {}});
  return config;
}

TEST(ConfigText, SaysEveryFactOnALineOfItsOwn) {
  EXPECT_EQ(config_text(full_config()), R"(settings
  redirect-code 308
  no-tls-redirect-path /.well-known/acme-challenge
  hsts on
  hsts-max-age 31536000
  hsts-include-subdomains on
host (any)
host shop.example.com
  regex
  tls
  tls-policy client certificate
  path exact /cart
    ingress shop/front
    service cart:http
    upstream shop-cart-http/https
    read-timeout 1500ms
    max-body-bytes 0
    policy rewrite /$1
  path prefix /admin
    upstream none
    denied
upstream shop-cart-http/https
  name shop-cart-http
  protocol https
  balancing power-of-two
  endpoint 10.0.0.7:8443
  endpoint [fd00::7]:8443
tls-host (default)
tls-host shop.example.com
  certificate shop/shop-tls chain 5211b6d15a1b7fb6
)");
}

TEST(ConfigText, NeverShowsCertificateOrKeyText) {
  const std::string text = config_text(full_config());
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("KEY-TEXT")));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("CHAIN")));
}

TEST(ConfigText, ANewKeyIsInvisibleAndANewChainIsNot) {
  Config config = full_config();
  const std::string before = config_text(config);
  const auto serve = [&](std::string chain, std::string key) {
    config.tls_hosts["shop.example.com"] = std::make_shared<TlsHost>(
        TlsHost{.name = "shop.example.com", .candidates = {certificate("shop-tls", std::move(chain), std::move(key))}});
  };
  serve("CHAIN", "OTHER-KEY");
  EXPECT_EQ(config_text(config), before);
  serve("OTHER", "OTHER-KEY");
  EXPECT_NE(config_text(config), before);
}

TEST(ConfigText, AControlCharacterBreaksNoLine) {
  Config config;
  Path path;
  path.path = "/a\nhost evil\x7f";
  config.hosts["h"] = std::make_shared<Host>(Host{.name = "h", .regex = false, .tls = false, .paths = {path}});
  EXPECT_THAT(config_text(config), testing::HasSubstr("  path prefix /a\\x0ahost evil\\x7f\n"));
}

TEST(ConfigText, OrderOfInsertionDoesNotShow) {
  const auto upstream = [](const char* key) {
    return std::make_shared<Upstream>(Upstream{.key = key,
                                               .name = key,
                                               .endpoints = {},
                                               .balancing = Balancing::round_robin,
                                               .protocol = UpstreamProtocol::http});
  };
  Config there;
  Config back;
  for (const char* key : {"a", "b", "c"}) there.upstreams[key] = upstream(key);
  for (const char* key : {"c", "b", "a"}) back.upstreams[key] = upstream(key);
  EXPECT_EQ(config_text(there), config_text(back));
}

// Few names and few values, so that parts often come, go, change and come back.
class RandomConfigs {
 public:
  explicit RandomConfigs(unsigned seed) : random_(seed) {}

  Config next() {
    Config config;
    for (const char* name : {"", "a.example.com", "*.example.com"}) {
      if (below(3) == 0) continue;
      config.hosts[name] = std::make_shared<Host>(
          Host{.name = name, .regex = below(4) == 0, .tls = below(2) == 0, .paths = random_paths()});
    }
    for (const char* key : {"u", "v", "w"}) {
      if (below(3) > 0) config.upstreams[key] = random_upstream(key);
    }
    for (const char* name : {"", "a.example.com"}) {
      if (below(3) == 0) continue;
      TlsHost host{.name = name, .candidates = {}};
      if (below(2)) host.candidates.push_back(certificate("s" + digit(2), "chain" + digit(2), "key" + digit(2)));
      config.tls_hosts[name] = std::make_shared<TlsHost>(host);
    }
    auto settings = std::make_shared<Settings>();
    if (below(2)) settings->hsts = false;
    if (below(3) == 0) settings->no_tls_redirect_paths.push_back("/x");
    config.settings = settings;
    return config;
  }

 private:
  unsigned below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }
  std::string digit(unsigned bound) { return std::to_string(below(bound)); }

  std::vector<Path> random_paths() {
    std::vector<Path> paths(below(3));
    for (Path& path : paths) {
      path.path = "/" + digit(2);
      path.type = below(2) ? PathType::exact : PathType::prefix;
      Route& route = path.own_route();
      route.upstream_key = below(4) ? "u" : "";
      path.denied = below(8) == 0;
      route.settings.next_upstream_tries = 1 + below(2);
      if (below(2)) route.policies.push_back(std::make_shared<NamedPolicy>("p" + digit(2)));
    }
    return paths;
  }

  std::shared_ptr<const Upstream> random_upstream(const char* key) {
    auto upstream = std::make_shared<Upstream>();
    upstream->key = upstream->name = key;
    for (std::uint16_t port = 1; port < 4; ++port) {
      if (below(2)) upstream->endpoints.push_back({IpAddress::v4(0x0a000001), port});
    }
    constexpr UpstreamProtocol protocols[] = {UpstreamProtocol::http, UpstreamProtocol::https, UpstreamProtocol::h2c,
                                              UpstreamProtocol::h2};
    upstream->protocol = protocols[below(4)];
    return upstream;
  }

  std::mt19937 random_;
};

TEST(ConfigDelta, ApplyingTheDifferenceGivesTheOtherConfig) {
  RandomConfigs configs(7);
  Config from;
  for (int round = 0; round < 3000; ++round) {
    const Config to = configs.next();
    Config patched = from;
    const ConfigDelta delta = diff(from, to);
    apply(patched, delta);
    ASSERT_TRUE(patched == to) << round;
    ASSERT_EQ(config_text(patched), config_text(to)) << round;
    ASSERT_TRUE(diff(to, to).empty());
    ASSERT_EQ(delta.empty(), from == to) << round;
    ASSERT_EQ(from == to, to == from) << round;
    from = to;
  }
}

// Each value is made anew, so no part is equal by address. Keys of certificates do not show in the text.
TEST(ConfigDelta, ConfigsThatDifferInTextAreNeverEqualAndSameSeedsAlwaysAre) {
  RandomConfigs one(11);
  RandomConfigs twin(11);
  Config last;
  for (int round = 0; round < 1000; ++round) {
    const Config config = one.next();
    ASSERT_TRUE(config == twin.next()) << round;
    if (config_text(config) != config_text(last)) {
      ASSERT_FALSE(config == last) << round;
    }
    last = config;
  }
}

TEST(ConfigDelta, NamesOnlyWhatChanged) {
  const Config from = full_config();
  Config to = full_config();
  EXPECT_TRUE(diff(from, to).empty()) << "equal parts at other addresses are no difference";
  to.upstreams.erase("shop-cart-http/https");
  const ConfigDelta delta = diff(from, to);
  ASSERT_EQ(delta.upstreams.size(), 1u);
  EXPECT_EQ(delta.upstreams.begin()->second, nullptr);
  EXPECT_TRUE(delta.hosts.empty());
  EXPECT_TRUE(delta.tls_hosts.empty());
  EXPECT_EQ(delta.settings, nullptr);
}

TEST(ConfigEquality, ANewKeyUnderTheSameChainIsADifference) {
  Config a = full_config();
  Config b = full_config();
  b.tls_hosts["shop.example.com"] = std::make_shared<TlsHost>(
      TlsHost{.name = "shop.example.com", .candidates = {certificate("shop-tls", "CHAIN", "ROTATED")}});
  EXPECT_FALSE(a == b);
}

TEST(ConfigEquality, PoliciesCompareByWhatTheyDescribe) {
  Path a;
  Path b;
  a.own_route().policies.push_back(std::make_shared<NamedPolicy>("hsts"));
  b.own_route().policies.push_back(std::make_shared<NamedPolicy>("hsts"));
  EXPECT_TRUE(a == b);
  b.own_route().policies.push_back(std::make_shared<NamedPolicy>("cors"));
  EXPECT_FALSE(a == b);
  a.own_route().policies.push_back(std::make_shared<NamedPolicy>("app-root /x"));
  EXPECT_FALSE(a == b);
}

}  // namespace
}  // namespace fairlead

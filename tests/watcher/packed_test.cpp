#include "watcher/packed.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/watcher/cluster.hpp"

namespace fairlead {
namespace {

const ObjectName name{"shop", "web"};

Ingress usual_ingress() {
  return *parse_ingress(name, ingress("shop/web", {{"a.test", {"Prefix / web:80"}}}), "nginx.ingress.kubernetes.io")
              .object;
}

Ingress without_shared(Ingress ingress) {
  ingress.claim = {};
  ingress.annotations.clear();
  return ingress;
}

TEST(Packed, NothingIsNotAnEmptyObject) {
  EXPECT_FALSE(Packed<Service>());
  EXPECT_TRUE(Packed(Service()));
  EXPECT_NE(Packed<Service>(), Packed(Service()));
  EXPECT_EQ(Packed<Service>(), Packed<Service>());
  EXPECT_EQ(service_of(Packed<EndpointSlice>()), "");
  EXPECT_FALSE(PackedBytes());
  EXPECT_TRUE(PackedBytes(""));
}

TEST(Packed, AServiceComesBackAsItWas) {
  Service service{name, "example.com", true, {{"http", 80, "8080", ""}, {"", 65'535, "web", "kubernetes.io/h2c"}}};
  EXPECT_EQ(Packed(service).unpack(name), service);
  service.external_name.reset();
  service.ports.clear();
  service.publish_not_ready = false;
  EXPECT_EQ(Packed(service).unpack(name), service);
}

TEST(Packed, ASliceComesBackAsItWas) {
  using State = SliceEndpoint::State;
  const auto hints = std::make_shared<const EndpointHints>(EndpointHints{{"a", "b"}, {}});
  const auto equal = std::make_shared<const EndpointHints>(*hints);
  const auto others = std::make_shared<const EndpointHints>(EndpointHints{{}, {"node-1"}});
  const auto v4 = *IpAddress::parse("10.255.0.128");
  const auto v6 = *IpAddress::parse("fd00::ff");
  const EndpointSlice slice{name,
                            "web",
                            true,
                            {{"http", 8080}, {"", 0}},
                            {{v4, State::ready, hints},
                             {v6, State::draining, nullptr},
                             {v4, State::unready, equal},
                             {v6, State::ready, others},
                             {IpAddress(), State::ready, hints}}};
  const Packed<EndpointSlice> packed(slice);
  const EndpointSlice back = packed.unpack(name);
  EXPECT_EQ(back, slice);
  EXPECT_EQ(back.endpoints[0].hints, back.endpoints[2].hints) << "one after the other that are equal share them";
  EXPECT_EQ(service_of(packed), "web");
}

TEST(Packed, AnIngressComesBackWithoutWhatItShares) {
  Ingress ingress = usual_ingress();
  ingress.created = "2026-01-01T00:00:00Z";
  ingress.default_backend = Shared(IngressBackend{"other", {0, "http"}});
  ingress.annotations["use-regex"] = "true";
  ingress.rules.push_back({"", {}});
  ingress.rules.push_back({"b.test",
                           {{"/x", PathType::exact, Shared(IngressBackend{"web", {80, ""}})},
                            {"/y", PathType::prefix, Shared(IngressBackend{"web", {80, ""}})},
                            {"/" + std::string(300, 'z'), PathType::prefix, Shared(IngressBackend{})}}});
  ingress.tls = {{{"a.test", "b.test"}, "cert"}, {{}, ""}};
  const PackedIngress packed(ingress);
  const Ingress back = packed.unpack();
  EXPECT_EQ(back, without_shared(ingress));
  EXPECT_EQ(&*back.rules[2].paths[0].backend, &*back.rules[2].paths[1].backend);
  EXPECT_EQ(packed.head().ns, "shop");
  EXPECT_EQ(packed.head().name, "web");
  EXPECT_EQ(packed.head().created, ingress.created);
  EXPECT_TRUE(packed.head().names(name));
  EXPECT_FALSE(packed.head().names({"sho", "pweb"}));
}

TEST(Packed, ObjectsThatDifferArePackedDifferently) {
  const Service plain{name, std::nullopt, false, {{"http", 80, "", ""}}};
  for (const auto& change : std::vector<void (*)(Service&)>{
           [](Service& s) { s.external_name = ""; }, [](Service& s) { s.publish_not_ready = true; },
           [](Service& s) { s.ports[0].name = "htt"; }, [](Service& s) { s.ports[0].number = 128; },
           [](Service& s) { s.ports[0].target = "80"; }, [](Service& s) { s.ports[0].app_protocol = "80"; },
           [](Service& s) { s.ports.emplace_back(); }}) {
    Service other = plain;
    change(other);
    EXPECT_NE(Packed(other), Packed(plain));
    EXPECT_EQ(Packed(other).unpack(name), other);
  }
}

// Equal bytes and equal objects are the same.
TEST(Packed, RandomSlicesComeBackAsTheyWere) {
  std::minstd_rand random(7);
  const auto below = [&](std::uint32_t end) { return static_cast<std::uint32_t>(random() % end); };
  const auto make = [&] {
    EndpointSlice slice;
    slice.name = name;
    slice.service = std::string(below(2) * 150, 's');
    slice.lists_ports = below(2) != 0;
    for (std::uint32_t i = below(3); i > 0; --i) {
      slice.ports.push_back({std::string(below(2), 'p'), static_cast<std::uint16_t>(127 + below(2))});
    }
    for (std::uint32_t i = below(4); i > 0; --i) {
      std::array<std::uint8_t, 16> bytes{};
      bytes[0] = static_cast<std::uint8_t>(below(2));
      SliceEndpoint endpoint{below(2) ? IpAddress::v4(below(2)) : IpAddress(bytes),
                             static_cast<SliceEndpoint::State>(below(3)), nullptr};
      if (below(2)) {
        endpoint.hints =
            std::make_shared<const EndpointHints>(EndpointHints{std::vector<std::string>(below(2), "z"), {"n"}});
      }
      slice.endpoints.push_back(std::move(endpoint));
    }
    return slice;
  };
  EndpointSlice last = make();
  for (int i = 0; i < 20'000; ++i) {
    EndpointSlice slice = make();
    const Packed<EndpointSlice> packed(slice);
    ASSERT_EQ(packed.unpack(name), slice);
    ASSERT_EQ(packed == Packed(last), slice == last);
    last = std::move(slice);
  }
}

}  // namespace
}  // namespace fairlead

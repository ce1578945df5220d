#pragma once

#include <compare>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead {

// One entry of status.loadBalancer.ingress: where clients find an Ingress.
struct PublishedAddress {
  struct Port {
    std::int64_t number = 0;
    std::string protocol;
    std::string error;

    auto operator<=>(const Port&) const = default;
  };
  std::string ip;
  std::string hostname;
  std::vector<Port> ports;

  auto operator<=>(const PublishedAddress&) const = default;
};

// Sorted, each once: two lists that say the same are equal.
using PublishedAddresses = std::vector<PublishedAddress>;

// An IP address, or a host name.
PublishedAddress published_address(std::string_view text);
// Of "203.0.113.1,lb.example.com".
PublishedAddresses published_addresses(std::string_view list);

// From the status of an Ingress or of a Service, and back as the value of status.loadBalancer.ingress.
PublishedAddresses read_addresses(const nlohmann::json& object);
nlohmann::json to_json(const PublishedAddresses& addresses);
void normalise(PublishedAddresses& addresses);

// Where the clients of a Service find it, by its type. Nothing: at the nodes (type NodePort without externalIPs).
std::optional<PublishedAddresses> addresses_of_service(const nlohmann::json& service);

// Of a node: its external addresses, and its internal ones when it has none or when those are asked for.
PublishedAddresses addresses_of_node(const nlohmann::json& node, bool internal);

// "203.0.113.1, lb.example.com": for the log.
std::string text_of(const PublishedAddresses& addresses);

}  // namespace fairlead

#include "watcher/published_address.hpp"

#include <algorithm>

#include "router/base/ip_address.hpp"
#include "router/base/split_list.hpp"
#include "watcher/api_text.hpp"

namespace fairlead {
namespace {

using nlohmann::json;

constexpr std::size_t max_addresses = 1000;  // of one object

const json& array_at(const json& object, std::initializer_list<const char*> path) {
  static const json empty = json::array();
  const json* const value = value_at(object, path);
  return value && value->is_array() ? *value : empty;
}

PublishedAddress read_address(const json& entry) {
  PublishedAddress address;
  address.ip = text_at(entry, {"ip"});
  address.hostname = text_at(entry, {"hostname"});
  for (const json& port : array_at(entry, {"ports"})) {
    const json* const number = value_at(port, {"port"});
    address.ports.push_back({number && number->is_number_integer() ? number->get<std::int64_t>() : 0,
                             text_at(port, {"protocol"}), text_at(port, {"error"})});
  }
  return address;
}

void add_external_ips(PublishedAddresses& addresses, const json& service) {
  for (const json& entry : array_at(service, {"spec", "externalIPs"})) {
    if (!entry.is_string()) continue;
    const PublishedAddress address = published_address(entry.get<std::string>());
    const auto is_same = [&](const PublishedAddress& other) { return other.ip == address.ip; };
    if (std::none_of(addresses.begin(), addresses.end(), is_same)) addresses.push_back(address);
  }
}

PublishedAddresses addresses_of_type(const json& node, std::string_view type) {
  PublishedAddresses addresses;
  for (const json& entry : array_at(node, {"status", "addresses"})) {
    const std::string text = text_at(entry, {"address"});
    if (!text.empty() && text_at(entry, {"type"}) == type) addresses.push_back(published_address(text));
  }
  return addresses;
}

}  // namespace

PublishedAddress published_address(std::string_view text) {
  PublishedAddress address;
  (IpAddress::parse(text) ? address.ip : address.hostname) = text;
  return address;
}

PublishedAddresses published_addresses(std::string_view list) {
  PublishedAddresses addresses;
  for (const std::string_view part : split_list(list)) addresses.push_back(published_address(part));
  normalise(addresses);
  return addresses;
}

void normalise(PublishedAddresses& addresses) {
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  if (addresses.size() > max_addresses) addresses.resize(max_addresses);
}

PublishedAddresses read_addresses(const json& object) {
  PublishedAddresses addresses;
  for (const json& entry : array_at(object, {"status", "loadBalancer", "ingress"})) {
    addresses.push_back(read_address(entry));
  }
  normalise(addresses);
  return addresses;
}

json to_json(const PublishedAddresses& addresses) {
  json list = json::array();
  for (const PublishedAddress& address : addresses) {
    json& entry = list.emplace_back(json::object());
    if (!address.ip.empty()) entry["ip"] = address.ip;
    if (!address.hostname.empty()) entry["hostname"] = address.hostname;
    for (const PublishedAddress::Port& port : address.ports) {
      json written = {{"port", port.number}, {"protocol", port.protocol}};
      if (!port.error.empty()) written["error"] = port.error;
      entry["ports"].push_back(std::move(written));
    }
  }
  return list;
}

std::optional<PublishedAddresses> addresses_of_service(const json& service) {
  const std::string type = text_at(service, {"spec", "type"});
  PublishedAddresses addresses;
  if (type == "ExternalName") {
    addresses.push_back(published_address(text_at(service, {"spec", "externalName"})));
  } else if (type == "LoadBalancer") {
    addresses = read_addresses(service);
    add_external_ips(addresses, service);
  } else {
    add_external_ips(addresses, service);
    if (addresses.empty() && type == "NodePort") return std::nullopt;
    const std::string cluster_ip = text_at(service, {"spec", "clusterIP"});
    if (addresses.empty() && !cluster_ip.empty() && cluster_ip != "None") {
      addresses.push_back(published_address(cluster_ip));
    }
  }
  normalise(addresses);
  return addresses;
}

PublishedAddresses addresses_of_node(const json& node, bool internal) {
  PublishedAddresses addresses = addresses_of_type(node, internal ? "InternalIP" : "ExternalIP");
  if (addresses.empty() && !internal) addresses = addresses_of_type(node, "InternalIP");
  normalise(addresses);
  return addresses;
}

std::string text_of(const PublishedAddresses& addresses) {
  std::string text;
  for (const PublishedAddress& address : addresses) {
    text += text.empty() ? "" : ", ";
    text += address.ip.empty() ? address.hostname : address.ip;
  }
  return text.empty() ? "none" : text;
}

}  // namespace fairlead

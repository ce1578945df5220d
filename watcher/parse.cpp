#include "watcher/parse.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "watcher/api_config.hpp"
#include "watcher/external_name.hpp"
#include "watcher/json_field.hpp"
#include "watcher/object_text.hpp"

namespace fairlead {
namespace {

constexpr std::string_view default_class_annotation = "ingressclass.kubernetes.io/is-default-class";
constexpr std::string_view service_label = "kubernetes.io/service-name";
constexpr std::size_t max_ports = 1000;
constexpr std::size_t max_app_protocol = 317;  // a qualified name: a DNS name, a '/' and 63 more

template <class T>
Parsed<T> finish(T object, Complaints& complaints) {
  const bool refused = complaints.refused();
  Parsed<T> parsed;
  if (!refused) parsed.object = std::move(object);
  parsed.problems = complaints.take();
  return parsed;
}

bool is_tcp(const JsonField& port) {
  const std::string protocol = port.member("protocol").text(16);
  return protocol.empty() || protocol == "TCP";
}

// What is not said counts as ready; and as serving, if it is ready.
SliceEndpoint::State state_of(const JsonField& conditions) {
  const bool ready = conditions.member("ready").boolean(true);
  if (ready) return SliceEndpoint::State::ready;
  const bool serving = conditions.member("serving").boolean(ready);
  const bool terminating = conditions.member("terminating").boolean(false);
  return serving && terminating ? SliceEndpoint::State::draining : SliceEndpoint::State::unready;
}

std::vector<std::string> names_in(const JsonField& list) {
  std::vector<std::string> names;
  for (const JsonField& hint : list.items(max_hints)) names.push_back(hint.member("name").text(max_object_name));
  return names;
}

std::shared_ptr<const EndpointHints> read_hints(const JsonField& field) {
  EndpointHints hints{names_in(field.member("forZones")), names_in(field.member("forNodes"))};
  if (hints.zones.empty() && hints.nodes.empty()) return nullptr;
  return std::make_shared<const EndpointHints>(std::move(hints));
}

// The value of a Secret's key, whichever way it is written. stringData wins, as it does in the API server.
std::string secret_value(const JsonField& secret, std::string_view key) {
  if (const JsonField plain = secret.member("stringData").member(key); plain.present()) {
    return plain.text(max_certificate_bytes);
  }
  const JsonField encoded = secret.member("data").member(key);
  const std::string text = encoded.text(max_certificate_bytes * 4 / 3 + 4);
  auto decoded = decode_base64(text);
  if (decoded) return std::move(*decoded);
  encoded.refuse("is not base64; write base64 here, or the text itself into stringData");
  return {};
}

void check_pem(const JsonField& secret, std::string_view key, const std::string& pem, std::string_view end_of_begin) {
  const JsonField field = secret.member("data").member(key);
  if (pem.empty()) {
    return field.refuse(
        "is missing or empty: a certificate needs both tls.crt and tls.key; create the Secret with "
        "\"kubectl create secret tls\"");
  }
  const std::size_t begin = pem.find("-----BEGIN ");
  if (begin == std::string::npos || pem.find(end_of_begin, begin) == std::string::npos) {
    field.refuse("is not PEM (no \"-----BEGIN … " + std::string(end_of_begin) +
                 "\"); create the Secret with \"kubectl create secret tls\"");
  }
}

}  // namespace

std::string_view text_of(Kind kind) {
  switch (kind) {
    case Kind::ingress:
      return "Ingress";
    case Kind::ingress_class:
      return "IngressClass";
    case Kind::service:
      return "Service";
    case Kind::endpoint_slice:
      return "EndpointSlice";
    case Kind::secret:
      return "Secret";
    case Kind::namespace_object:
      return "Namespace";
  }
  return "";
}

std::uint16_t ServicePort::target_number() const {
  if (target.empty()) return number;
  std::uint16_t parsed = 0;
  const auto [end, error] = std::from_chars(target.data(), target.data() + target.size(), parsed);
  return error == std::errc() && end == target.data() + target.size() ? parsed : std::uint16_t{0};
}

ObjectName name_of(Kind kind, const nlohmann::json& object) {
  const auto text = [&](const char* key) -> std::string {
    const auto metadata = object.is_object() ? object.find("metadata") : object.end();
    if (!object.is_object() || metadata == object.end() || !metadata->is_object()) return {};
    const auto found = metadata->find(key);
    if (found == metadata->end() || !found->is_string()) return {};
    return found->get_ref<const std::string&>().substr(0, max_object_name + 1);
  };
  const bool cluster_wide = kind == Kind::ingress_class || kind == Kind::namespace_object;
  ObjectName name{cluster_wide ? std::string() : text("namespace"), text("name")};
  if (name.ns.empty() && !cluster_wide) name.ns = "default";
  return name;
}

std::map<std::string, std::string, std::less<>> parse_labels(const nlohmann::json& object) {
  std::map<std::string, std::string, std::less<>> labels;
  Complaints unheard({});
  for (const auto& [key, value] : JsonField(object, unheard).member("metadata").member("labels").members()) {
    labels.emplace(key, value.text(max_object_name));
  }
  return labels;
}

Parsed<IngressClass> parse_ingress_class(const ObjectName& name, const nlohmann::json& object) {
  Complaints complaints({std::string(text_of(Kind::ingress_class)), name.ns, name.name});
  const JsonField root(object, complaints);
  check_object_name(root, name);
  IngressClass parsed;
  parsed.name = name;
  parsed.controller = root.member("spec").member("controller").text(max_object_name);
  const JsonField annotations = root.member("metadata").member("annotations");
  parsed.is_default = annotations.member(default_class_annotation).text(max_annotation_bytes) == "true";
  return finish(std::move(parsed), complaints);
}

Parsed<Service> parse_service(const ObjectName& name, const nlohmann::json& object) {
  Complaints complaints({std::string(text_of(Kind::service)), name.ns, name.name});
  const JsonField root(object, complaints);
  check_object_name(root, name);
  const JsonField spec = root.member("spec");
  Service parsed;
  parsed.name = name;
  if (spec.member("type").text(max_object_name) == "ExternalName") {
    const JsonField external = spec.member("externalName");
    parsed.external_name = canonical_name(external.text(max_object_name + 1)).value_or("");
    if (parsed.external_name->empty()) external.refuse("is neither a DNS name nor an IP address");
  }
  parsed.publish_not_ready = spec.member("publishNotReadyAddresses").boolean(false);
  for (const JsonField& field : spec.member("ports").items(max_ports)) {
    ServicePort port;
    port.name = field.member("name").text(max_object_name);
    if (!field.member("port").present()) field.member("port").refuse("is missing; a Service port needs a number");
    port.number = static_cast<std::uint16_t>(field.member("port").integer(1, 65'535));
    port.target = field.member("targetPort").text_or_number(max_object_name);
    port.app_protocol = field.member("appProtocol").text(max_app_protocol);
    if (is_tcp(field)) parsed.ports.push_back(std::move(port));
  }
  return finish(std::move(parsed), complaints);
}

Parsed<EndpointSlice> parse_endpoint_slice(const ObjectName& name, const nlohmann::json& object) {
  Complaints complaints({std::string(text_of(Kind::endpoint_slice)), name.ns, name.name});
  const JsonField root(object, complaints);
  check_object_name(root, name);
  EndpointSlice parsed;
  parsed.name = name;
  parsed.service = root.member("metadata").member("labels").member(service_label).text(max_object_name);
  for (const JsonField& field : root.member("ports").items(max_ports)) {
    const JsonField number = field.member("port");
    parsed.lists_ports = true;
    if (!is_tcp(field)) continue;
    parsed.ports.push_back(
        {field.member("name").text(max_object_name), static_cast<std::uint16_t>(number.integer(1, 65'535))});
  }
  const JsonField type = root.member("addressType");
  if (type.text(64) == "FQDN") {
    type.complain("FQDN addresses are not supported; its endpoints are not used. Give IPv4 or IPv6 addresses",
                  Severity::warning);
    return finish(std::move(parsed), complaints);
  }
  const auto endpoints = root.member("endpoints").items(max_slice_endpoints);
  parsed.endpoints.reserve(endpoints.size());
  for (const JsonField& field : endpoints) {
    SliceEndpoint endpoint;
    endpoint.state = state_of(field.member("conditions"));
    endpoint.hints = read_hints(field.member("hints"));
    for (const JsonField& text : field.member("addresses").items(100)) {
      const auto address = IpAddress::parse(text.text(64));
      if (!address) {
        text.refuse("is not an IPv4 or IPv6 address");
      } else {
        endpoint.address = *address;
        parsed.endpoints.push_back(endpoint);
      }
    }
  }
  return finish(std::move(parsed), complaints);
}

Parsed<Secret> parse_secret(const ObjectName& name, const nlohmann::json& object) {
  Complaints complaints({std::string(text_of(Kind::secret)), name.ns, name.name});
  const JsonField root(object, complaints);
  check_object_name(root, name);
  auto source = std::make_shared<CertificateSource>();
  source->ns = name.ns;
  source->name = name.name;
  source->certificate_pem = secret_value(root, "tls.crt");
  source->key_pem = secret_value(root, "tls.key");
  if (!complaints.refused()) {
    check_pem(root, "tls.crt", source->certificate_pem, "CERTIFICATE-----");
    check_pem(root, "tls.key", source->key_pem, "PRIVATE KEY-----");
  }
  const JsonField type = root.member("type");
  const std::string type_text = type.text(max_object_name);
  if (!complaints.refused() && type_text != "kubernetes.io/tls") {
    type.complain("is \"" + type_text +
                      "\" where kubernetes.io/tls is expected; served all the same, since tls.crt and "
                      "tls.key are there",
                  Severity::notice);
  }
  return finish(Secret{name, std::move(source)}, complaints);
}

}  // namespace fairlead

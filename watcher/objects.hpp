#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "router/base/ip_address.hpp"
#include "router/base/tls_host.hpp"
#include "router/config.hpp"
#include "watcher/shared.hpp"
#include "watcher/source.hpp"

namespace fairlead {

// Kubernetes objects with only the fields we use. What the API server would refuse is no object of these types:
// parse.hpp has refused it too.

// As Problems name it: "Ingress", "EndpointSlice".
std::string_view text_of(Kind kind);

// By number or by name, never both.
struct ServicePortRef {
  std::uint16_t number = 0;
  std::string name;

  std::string text() const { return number ? std::to_string(number) : name; }
  bool operator==(const ServicePortRef&) const = default;
};

struct IngressBackend {
  std::string service;  // "" when it is a resource, which we do not serve
  ServicePortRef port;

  bool operator==(const IngressBackend&) const = default;
};

struct IngressPath {
  std::string path;  // begins with '/'
  PathType type = PathType::prefix;
  Shared<IngressBackend> backend;  // paths that have the same one after the other share it

  bool operator==(const IngressPath&) const = default;
};

struct IngressRule {
  std::string host;  // canonical; "" = every host
  std::vector<IngressPath> paths;

  bool operator==(const IngressRule&) const = default;
};

struct IngressTls {
  std::vector<std::string> hosts;  // canonical
  std::string secret;              // "" = the default certificate

  bool operator==(const IngressTls&) const = default;
};

// Which controller an Ingress asks for.
struct ClassClaim {
  std::optional<std::string> name;  // spec.ingressClassName
  std::string annotation;           // the legacy kubernetes.io/ingress.class; "" = not there

  bool operator==(const ClassClaim&) const = default;
};

struct Ingress {
  ObjectName name;
  std::string created;  // RFC 3339 in UTC, so that text order is time order; "" counts as the beginning of time
  Shared<ClassClaim> claim;
  std::map<std::string, std::string, std::less<>> annotations;  // ours, without the prefix; trimmed, none empty
  std::optional<Shared<IngressBackend>> default_backend;
  std::vector<IngressRule> rules;
  std::vector<IngressTls> tls;

  bool operator==(const Ingress&) const = default;
};

struct IngressClass {
  ObjectName name;
  std::string controller;
  bool is_default = false;

  bool operator==(const IngressClass&) const = default;
};

struct ServicePort {
  std::string name;  // "" when it is the only one
  std::uint16_t number = 0;
  std::string target;        // targetPort as text; "" when it is the number
  std::string app_protocol;  // as it is written; "" = none

  // targetPort, unless it is a name: 0 then.
  std::uint16_t target_number() const;

  bool operator==(const ServicePort&) const = default;
};

struct Service {
  ObjectName name;
  std::optional<std::string>
      external_name;               // of type ExternalName: an address or a DNS name, as canonical_name gives it
  bool publish_not_ready = false;  // whoever serves it disregards whether endpoints are ready
  std::vector<ServicePort> ports;  // TCP

  bool operator==(const Service&) const = default;
};

struct SlicePort {
  std::string name;          // of the Service's port
  std::uint16_t number = 0;  // 0 = not restricted

  bool operator==(const SlicePort&) const = default;
};

// Who is to use an endpoint.
struct EndpointHints {
  std::vector<std::string> zones, nodes;

  bool operator==(const EndpointHints&) const = default;
};

// One address of an endpoint.
struct SliceEndpoint {
  enum class State : std::uint8_t {
    ready,
    draining,  // serving, though about to end: better than nothing
    unready,
  };

  IpAddress address;
  State state = State::ready;
  std::shared_ptr<const EndpointHints> hints;  // null: none

  bool operator==(const SliceEndpoint& other) const {
    const bool same_hints = hints == other.hints || (hints && other.hints && *hints == *other.hints);
    return address == other.address && state == other.state && same_hints;
  }
};

struct EndpointSlice {
  ObjectName name;
  std::string service;           // in the same namespace; "" when it belongs to none
  bool lists_ports = false;      // of any protocol; else it says nothing about them
  std::vector<SlicePort> ports;  // TCP
  std::vector<SliceEndpoint> endpoints;

  bool operator==(const EndpointSlice&) const = default;
};

struct Secret {
  ObjectName name;
  std::shared_ptr<const CertificateSource> certificate;  // never null

  bool operator==(const Secret& other) const { return name == other.name && *certificate == *other.certificate; }
};

}  // namespace fairlead

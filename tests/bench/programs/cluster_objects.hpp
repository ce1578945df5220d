#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace fairlead::bench {

// How many objects there are, and of what shape: each Ingress has a host, its paths, a Service and an EndpointSlice.
struct ClusterShape {
  std::size_t ingresses = 100;
  std::size_t paths = 10;
  std::size_t large_slices = 0;  // the last so many EndpointSlices have 1,000 endpoints
  std::size_t endpoints = 1;     // of each other slice
  std::string status_address{};  // that the status of each Ingress says; "" = none
  std::uint16_t endpoint_port = 0;
  bool as_served = true;  // with what an API server adds and kubectl leaves behind; else as people write manifests
};

constexpr std::size_t large_slice_endpoints = 1000;

// Objects as JSON, without resourceVersion: that is put in when they are stored.
class ClusterObjects {
 public:
  explicit ClusterObjects(const ClusterShape& shape) : shape_(shape) {}

  static std::string name(std::size_t number) { return "app-" + std::to_string(number); }
  static std::string host(std::size_t number) { return name(number) + ".bench.example.com"; }

  std::string ingress_class() const {
    return R"({"apiVersion":"networking.k8s.io/v1","kind":"IngressClass","metadata":{"name":"fairlead"},)"
           R"("spec":{"controller":"fairlead.dev/ingress-controller"}})";
  }

  // The last path is /pN, or /vEDIT when it was edited.
  std::string ingress(std::size_t number, std::uint64_t edit = 0) const {
    std::string text = R"({"apiVersion":"networking.k8s.io/v1","kind":"Ingress",)" + metadata(name(number)) +
                       R"(,"spec":{"ingressClassName":"fairlead","rules":[{"host":")" + host(number) +
                       R"(","http":{"paths":[)";
    for (std::size_t i = 0; i < shape_.paths; ++i) {
      const bool edited = edit > 0 && i + 1 == shape_.paths;
      if (i > 0) text += ',';
      text += path(edited ? "/v" + std::to_string(edit) : "/p" + std::to_string(i), name(number));
    }
    return text + "]}}]}" + (shape_.as_served ? status() : "") + '}';
  }

  // One path for a host of any name, to a Service of any name.
  std::string plain_ingress(const std::string& name, const std::string& host, const std::string& service) const {
    return R"({"apiVersion":"networking.k8s.io/v1","kind":"Ingress",)" + metadata(name) +
           R"(,"spec":{"ingressClassName":"fairlead","rules":[{"host":")" + host + R"(","http":{"paths":[)" +
           path("/", service) + R"(]}}]}})";
  }

  std::string service(const std::string& name) const {
    return R"({"apiVersion":"v1","kind":"Service",)" + metadata(name) +
           R"(,"spec":{"ports":[{"name":"http","protocol":"TCP","port":80,"targetPort":8080}],"type":"ClusterIP",)"
           R"("clusterIP":"10.96.0.1"}})";
  }

  // Its first endpoint is 127.0.0.LAST.
  std::string slice(std::size_t number, int last = 1) const {
    const bool large = number + shape_.large_slices >= shape_.ingresses;
    return slice_of(name(number), name(number) + "-1", shape_.endpoint_port,
                    large ? large_slice_endpoints : shape_.endpoints, 0, last);
  }

  // A slice with so many endpoints in 127.0.0.0/8, numbered from `first`; the first of them is 127.0.0.LAST if it is
  // given.
  std::string slice_of(const std::string& service, const std::string& slice, std::uint16_t port, std::size_t endpoints,
                       std::size_t first, int last = 0) const {
    std::string text = R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","addressType":"IPv4",)" +
                       metadata(slice, R"(,"labels":{"kubernetes.io/service-name":")" + service + R"("})") +
                       R"(,"ports":[{"name":"http","protocol":"TCP","port":)" + std::to_string(port) +
                       R"(}],"endpoints":[)";
    for (std::size_t i = 0; i < endpoints; ++i) {
      const std::string address = i == 0 && last > 0 ? "127.0.0." + std::to_string(last) : address_of(first + i);
      if (i > 0) text += ',';
      text += R"({"addresses":[")" + address +
              R"("],"conditions":{"ready":true,"serving":true,"terminating":false},"nodeName":"node-1"})";
    }
    return text + "]}";
  }

 private:
  static std::string address_of(std::size_t number) {
    return "127." + std::to_string(1 + number / 62500) + "." + std::to_string(number / 250 % 250) + "." +
           std::to_string(1 + number % 250);
  }

  std::string status() const {
    const std::string& address = shape_.status_address;
    const std::string said = address.empty() ? "" : R"("ingress":[{"ip":")" + address + R"("}])";
    return R"(,"status":{"loadBalancer":{)" + said + "}}";
  }

  std::string metadata(const std::string& name, const std::string& more = "") const {
    const std::string written = R"("metadata":{"name":")" + name + R"(","namespace":"bench")" + more;
    if (!shape_.as_served) return written + "}";
    return written + R"(,"uid":"6f2c1f0e-0000-4000-8000-)" + name +
           R"(","creationTimestamp":"2026-01-01T00:00:00Z","generation":1,"managedFields":[{"manager":"kubectl",)"
           R"("operation":"Update","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:rules":{}}}}]})";
  }

  static std::string path(const std::string& path, const std::string& service) {
    return R"({"path":")" + path + R"(","pathType":"Prefix","backend":{"service":{"name":")" + service +
           R"(","port":{"number":80}}}})";
  }

  const ClusterShape shape_;
};

}  // namespace fairlead::bench

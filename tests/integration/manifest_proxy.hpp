#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/test_proxy.hpp"
#include "watcher/cluster_state.hpp"
#include "watcher/parse.hpp"
#include "watcher/translate.hpp"
#include "watcher/yaml_json.hpp"

namespace fairlead::test {

// An Ingress in few words. Annotations without their prefix.
struct IngressText {
  std::map<std::string, std::string> annotations{};
  std::string name = "web";
  std::string host = "a.test";
  std::vector<std::string> paths{"Prefix /"};
  std::string service = "echo";
  std::string secret{};  // of spec.tls for the host; "" = none
};

inline std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump();
}

inline std::string yaml(const IngressText& ingress) {
  std::string text = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: " + ingress.name +
                     "\n  namespace: shop\n  annotations:\n    from: a-test\n";
  for (const auto& [name, value] : ingress.annotations) {
    text += "    nginx.ingress.kubernetes.io/" + name + ": " + quoted(value) + "\n";
  }
  text += "spec:\n  ingressClassName: fairlead\n";
  if (!ingress.secret.empty()) {
    text += "  tls:\n  - hosts: [" + quoted(ingress.host) + "]\n    secretName: " + ingress.secret + "\n";
  }
  text += "  rules:\n  - host: " + quoted(ingress.host) + "\n    http:\n      paths:\n";
  for (const std::string& path : ingress.paths) {
    const std::size_t space = path.find(' ');
    text += "      - pathType: " + path.substr(0, space) + "\n        path: " + quoted(path.substr(space + 1)) +
            "\n        backend: {service: {name: " + ingress.service + ", port: {number: 80}}}\n";
  }
  return text;
}

// A Service with endpoints at these ports of 127.0.0.1.
inline std::string service_yaml(const std::string& name, const std::vector<std::uint16_t>& ports) {
  std::string text = "kind: Service\nmetadata: {name: " + name + ", namespace: shop}\nspec: {ports: [{port: 80}]}\n";
  for (const std::uint16_t port : ports) {
    const std::string number = std::to_string(port);
    text += "---\nkind: EndpointSlice\nmetadata:\n  name: " + name + "-" + number +
            "\n  namespace: shop\n  labels: {kubernetes.io/service-name: " + name +
            "}\naddressType: IPv4\nendpoints: [{addresses: [127.0.0.1]}]\nports: [{port: " + number + "}]\n";
  }
  return text;
}

// The whole chain of a manifest: YAML text is parsed, applied, translated, published and served.
class ManifestProxy : public testing::Test {
 protected:
  ManifestProxy() : state_(translate_options) {
    ClusterState::Touched touched;
    Change no_secrets;
    no_secrets.type = Change::Type::replace;
    no_secrets.kind = Kind::secret;
    state_.apply(std::move(no_secrets), touched);
    apply("kind: IngressClass\nmetadata: {name: fairlead}\nspec: {controller: fairlead.dev/ingress-controller}\n");
    apply(service_yaml("echo", {echo.port()}));
  }

  void apply(const std::string& manifest) {
    const auto objects = parse_manifest(manifest);
    ASSERT_TRUE(objects) << objects.error().message << "\n" << manifest;
    for (const nlohmann::json& object : *objects) {
      Change change;
      change.kind = kind_of(object);
      change.name = name_of(change.kind, object);
      change.object = object;
      ClusterState::Touched touched;
      state_.apply(std::move(change), touched);
    }
  }

  // Applies and publishes; starts the proxy the first time.
  void serve(const IngressText& ingress) {
    apply(yaml(ingress));
    Translation translation = translate(state_, translate_options);
    problems = proxy.problems = translation.problems;
    proxy.config = std::move(translation.config);
    proxy.workers ? proxy.publish() : proxy.start();
  }

  // A status and where it leads: "308 https://a.test/".
  std::string redirect(const std::string& target, const std::string& host = "a.test") {
    const RawResponse response = proxy.get(host, target);
    return std::to_string(response.status) + " " + response.field("Location");
  }
  // The request line that the service saw.
  std::string seen(const std::string& target, const std::string& host = "a.test") {
    const RawResponse response = proxy.get(host, target);
    return response.status == 200 ? response.body.substr(0, response.body.find("\r\n"))
                                  : std::to_string(response.status);
  }
  int status(const std::string& target = "/", const std::string& fields = "") {
    return proxy.get("a.test", target, fields).status;
  }

  TranslateOptions translate_options;
  Origin echo{Origin::answering([](const RawRequest& request) {
    return ok(request.head, "X-Served-By: echo\r\nAccess-Control-Allow-Origin: https://the-service.test\r\n");
  })};
  TestProxy proxy;
  Problems problems;

 private:
  static Kind kind_of(const nlohmann::json& object) {
    for (const Kind kind : {Kind::ingress, Kind::ingress_class, Kind::service, Kind::endpoint_slice, Kind::secret}) {
      if (object.at("kind") == std::string(text_of(kind))) return kind;
    }
    throw std::runtime_error("no such kind");
  }

  ClusterState state_;
};

}  // namespace fairlead::test

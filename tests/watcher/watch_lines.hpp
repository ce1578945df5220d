#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "watcher/reflector.hpp"

namespace fairlead::test {

inline Resource ingresses() {
  Resource resource;
  resource.kind = Kind::ingress;
  resource.collection = "/apis/networking.k8s.io/v1/ingresses";
  resource.plural = "ingresses";
  return resource;
}

inline nlohmann::json object(const std::string& name, int version) {
  return {{"metadata", {{"namespace", "shop"}, {"name", name}, {"resourceVersion", std::to_string(version)}}}};
}

// One line of a watch.
inline std::string event(const std::string& type, const nlohmann::json& what) {
  return nlohmann::json{{"type", type}, {"object", what}}.dump() + "\n";
}

}  // namespace fairlead::test

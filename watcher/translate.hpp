#pragma once

#include <optional>
#include <string>

#include "router/base/label_selector.hpp"
#include "router/base/problem.hpp"
#include "router/config.hpp"

namespace fairlead {

class ClusterState;

struct TranslateOptions {
  std::string ingress_class = "nginx";  // value of the legacy annotation kubernetes.io/ingress.class
  std::string controller_class = "fairlead.dev/ingress-controller";  // IngressClass.spec.controller that is ours
  bool watch_ingress_without_class = false;
  std::optional<LabelSelector> namespace_selector;  // only Ingresses of such namespaces are ours; nothing: of all
  std::string default_backend_service;              // "ns/name", first port; "" = local 404
  std::string default_ssl_certificate;              // "ns/name"; "" = a generated certificate
  std::string annotations_prefix = "nginx.ingress.kubernetes.io";
  bool external_names = true;   // Services of type ExternalName are served
  bool topology_hints = false;  // endpoints are chosen by the hints of EndpointSlices
  Settings settings;
};

struct Translation {
  Config config;
  Problems problems;
};

// Pure, and never fails: a bad object costs only itself and yields Problems. This is the definition of what a
// ClusterState means; the incremental Translator must always equal it.
Translation translate(const ClusterState& state, const TranslateOptions& options);

}  // namespace fairlead

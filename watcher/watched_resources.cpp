#include "watcher/watched_resources.hpp"

#include <string>
#include <utility>

namespace fairlead {

Resource secret_resource(const ObjectName& name) {
  Resource resource;
  resource.kind = Kind::secret;
  resource.collection = api_collection("v1", name.ns, "secrets");
  resource.single = name;
  resource.forbidden_is_absent = true;
  resource.plural = "secrets";
  return resource;
}

std::vector<Resource> watched_resources(const ApiSourceOptions& options) {
  const std::string& ns = options.watch_namespace;
  const auto resource = [](Kind kind, const std::string& group_version, const std::string& scope,
                           const std::string& plural) {
    Resource made;
    made.kind = kind;
    made.collection = api_collection(group_version, scope, plural);
    made.plural = plural;
    return made;
  };
  std::vector<Resource> resources = {
      resource(Kind::ingress_class, "networking.k8s.io/v1", "", "ingressclasses"),
      resource(Kind::ingress, "networking.k8s.io/v1", ns, "ingresses"),
      resource(Kind::service, "v1", ns, "services"),
      resource(Kind::endpoint_slice, "discovery.k8s.io/v1", ns, "endpointslices"),
  };
  resources.front().forbidden_is_absent = !ns.empty();  // a Role of one namespace cannot grant them
  if (!options.namespace_selector.empty()) {
    resources.push_back(resource(Kind::namespace_object, "v1", "", "namespaces"));
    resources.back().label_selector = options.namespace_selector;
  }
  return resources;
}

}  // namespace fairlead

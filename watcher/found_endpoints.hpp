#pragma once

#include <string>
#include <vector>

#include "router/base/problem.hpp"
#include "router/config.hpp"
#include "watcher/cluster_state.hpp"
#include "watcher/objects.hpp"
#include "watcher/translate.hpp"

namespace fairlead {

// Where a port of a Service leads, and what there is to say about that to whoever leads there.
struct FoundEndpoints {
  struct Remark {
    std::string part;  // of the field that names the Service and its port: ".name" or ".port"
    std::string message;
    Severity severity = Severity::error;
  };

  std::vector<Endpoint> endpoints;  // sorted, each once
  std::vector<Remark> remarks;
};

// Of a Service with EndpointSlices, whoever wrote them: the ready endpoints, or those that are about to end when there
// is no other (as kube-proxy does it, KEP-1669); near ones only when the hints say so (KEP-2433, KEP-3015).
FoundEndpoints slice_endpoints(const Service& service, const ServicePort& port, const ClusterState& state,
                               const TranslateOptions& options);

// Of a Service of type ExternalName, which needs no ports (contract 4.2): port is then the number itself.
FoundEndpoints external_endpoints(const Service& service, const ServicePortRef& port, const ClusterState& state,
                                  const TranslateOptions& options);

// The name that DNS must be asked for to serve the Service; "" for one that needs no DNS, or must not be asked for.
std::string name_to_resolve(const Service& service, const TranslateOptions& options);

}  // namespace fairlead

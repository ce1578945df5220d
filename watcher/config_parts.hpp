#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "router/base/problem.hpp"
#include "router/base/tls_host.hpp"
#include "router/config.hpp"
#include "watcher/cluster_state.hpp"
#include "watcher/ingress_part.hpp"
#include "watcher/translate.hpp"

namespace fairlead {

// The pure functions that make the parts of a Config, each from the Ingresses that have a say in it and the objects
// they name.

using PartsByAge = std::map<Precedence, LazyPart>;  // the first one wins

template <class T>
struct Built {
  std::shared_ptr<const T> part;
  Problems problems;
};

// Ingresses that have rules for the host, and whether any Ingress secures it.
Built<Host> build_host(const std::string& name, const PartsByAge& parts, bool secured, const TranslateOptions& options);

// Ingresses that lead to the target. There is always an Upstream, if need be one without endpoints.
Built<Upstream> build_upstream(const UpstreamTarget& target, const PartsByAge& parts, const ClusterState& state,
                               const TranslateOptions& options);

// Of the Ingresses whose spec.tls concerns the host, the one that decides: the oldest that names it, or else the
// oldest.
const TlsShare& deciding_share(const std::string& name, const PartsByAge& parts);
// About those that name it in vain.
Problems tls_problems(const std::string& name, const PartsByAge& parts);
// Ingresses whose spec.tls concerns the host.
std::shared_ptr<const TlsHost> build_tls_host(const std::string& name, const PartsByAge& parts,
                                              const ClusterState& state);
// The TlsHost "", null when no option asks for it.
std::shared_ptr<const TlsHost> build_default_tls_host(const ClusterState& state, const TranslateOptions& options);

// What is wrong with a Secret that these Ingresses, or the options, refer to.
Problems secret_problems(const ObjectName& secret, const PartsByAge& parts, const ClusterState& state,
                         const TranslateOptions& options);

// What the options name; nothing for "" and for what is not "<namespace>/<name>".
std::optional<ObjectName> split_object_name(const std::string& text);
std::optional<UpstreamTarget> default_backend(const TranslateOptions& options);
std::optional<ObjectName> default_certificate(const TranslateOptions& options);

}  // namespace fairlead

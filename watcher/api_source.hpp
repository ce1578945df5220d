#pragma once

#include <memory>
#include <string>

#include "router/base/log.hpp"
#include "router/base/result.hpp"
#include "watcher/api_config.hpp"
#include "watcher/api_contacts.hpp"
#include "watcher/source.hpp"

namespace fairlead {

struct ReflectorOptions;

struct ApiSourceOptions {
  ApiAddress address;
  std::string watch_namespace;     // "" = all
  std::string namespace_selector;  // Namespaces with these labels are heard of; "": none are
  std::shared_ptr<ApiContacts> contacts = std::make_shared<ApiContacts>();
};

// Listens to an API server on a thread of its own until it is destroyed, which takes no longer than closing the
// connections. Fails only when the credentials cannot be used (no kubeconfig, not in a cluster, unreadable key). A
// server that does not answer is retried for ever and shows as a Problem of kind "Source". log and sink must outlive
// the source.
Result<std::unique_ptr<Source>> start_api_source(const ApiSourceOptions& options, Log& log, ChangeSink& sink);

// With other waits and limits than the usual ones: tests do not want to wait.
Result<std::unique_ptr<Source>> start_api_source(const ApiSourceOptions& options, Log& log, ChangeSink& sink,
                                                 const ReflectorOptions& reflector_options);

}  // namespace fairlead

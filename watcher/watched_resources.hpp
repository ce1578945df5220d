#pragma once

#include <vector>

#include "watcher/api_source.hpp"
#include "watcher/reflector.hpp"

namespace fairlead {

// The collections that are mirrored whole. Namespaces only when they are selected by their labels.
std::vector<Resource> watched_resources(const ApiSourceOptions& options);

// A Secret, by name.
Resource secret_resource(const ObjectName& name);

}  // namespace fairlead

#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "router/base/problem.hpp"
#include "watcher/objects.hpp"

namespace fairlead {

// Limits far above what the API server stores, for manifests that it never saw.
inline constexpr std::size_t max_object_name = 253;
inline constexpr std::size_t max_ingress_rules = 10'000;
inline constexpr std::size_t max_rule_paths = 10'000;
inline constexpr std::size_t max_path_bytes = 4096;
inline constexpr std::size_t max_annotation_bytes = 256 * 1024;
inline constexpr std::size_t max_slice_endpoints = 10'000;
inline constexpr std::size_t max_hints = 64;  // of an endpoint
inline constexpr std::size_t max_certificate_bytes = 1024 * 1024;

// An object as we understood it, or Problems that say why not. Problems without an error leave the object usable.
template <class T>
struct Parsed {
  std::optional<T> object;
  Problems problems;
};

struct ParsedIngress : Parsed<Ingress> {
  // Also of an Ingress that is refused: whether its Problems are any of ours depends on it. Nothing when unreadable.
  std::optional<ClassClaim> claim;
};

// Namespace and name of an object of a kind; "default" when a namespaced one does not say. Empty when it has no name.
ObjectName name_of(Kind kind, const nlohmann::json& object);

// Tolerant of fields that nobody here reads, strict about the type of those that are read, and as strict as the API
// server about their values. name: the object's, as name_of gives it.
ParsedIngress parse_ingress(const ObjectName& name, const nlohmann::json& object, std::string_view annotations_prefix);
Parsed<IngressClass> parse_ingress_class(const ObjectName& name, const nlohmann::json& object);
Parsed<Service> parse_service(const ObjectName& name, const nlohmann::json& object);
Parsed<EndpointSlice> parse_endpoint_slice(const ObjectName& name, const nlohmann::json& object);
// metadata.labels; what cannot be read counts as empty.
std::map<std::string, std::string, std::less<>> parse_labels(const nlohmann::json& object);
// A Secret without a certificate and its key is refused; whoever does not refer to it need not care.
Parsed<Secret> parse_secret(const ObjectName& name, const nlohmann::json& object);

}  // namespace fairlead

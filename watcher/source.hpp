#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "router/base/ip_address.hpp"
#include "router/base/problem.hpp"
#include "watcher/object_list.hpp"

namespace fairlead {

// The kinds we listen to.
enum class Kind { ingress, ingress_class, service, endpoint_slice, secret, namespace_object };
inline constexpr int kind_count = 6;

struct ObjectName {
  std::string ns;  // "" for cluster-wide kinds
  std::string name;

  auto operator<=>(const ObjectName&) const = default;
};

// What DNS says of a name that is wanted.
struct NameAnswer {
  std::vector<IpAddress> addresses;  // sorted, each once
  std::string trouble;               // why there are none, or why these are old; "" = all is well

  bool operator==(const NameAnswer&) const = default;
};

// Where this program runs; "" = not known.
struct Place {
  std::string zone;  // the label topology.kubernetes.io/zone of our node
  std::string node;

  bool operator==(const Place&) const = default;
};

// What a source heard, in order. Objects are Kubernetes JSON as the API gives it (a YAML manifest is converted to the
// same).
struct Change {
  enum class Type {
    put,      // object holds it
    remove,   // only kind and name
    replace,  // objects holds every object of the kind that exists in the watched scope: the others are gone. Marks the
              // kind synced
    problems,  // of the source itself (a manifest that cannot be read): problems replaces all earlier ones of this
               // source
    answer,    // of DNS, to name.name; no kind
    place,     // no kind, no name
  };
  Type type = Type::put;
  Kind kind = Kind::ingress;
  ObjectName name;
  nlohmann::json object;
  ObjectList objects;
  Problems problems;
  NameAnswer answer;
  Place place;
};

// Where sources put what they hear. Safe from any thread; never blocks for long.
class ChangeSink {
 public:
  virtual ~ChangeSink() = default;
  virtual void push(std::vector<Change> changes) = 0;
};

struct SecretWant {
  ObjectName name;
  bool wanted = false;  // else: not any more

  bool operator==(const SecretWant&) const = default;
};

// Something that hears objects: a manifests folder or an API server. Runs a thread of its own from construction to
// destruction. Every kind is announced once with `replace` (possibly empty) before the source counts as synced;
// namespace_object only by a source that is to select by it.
class Source {
 public:
  virtual ~Source() = default;

  // Secrets that are referenced from now on, and those that are not any more, in the order in which they became so.
  // Only what is wanted is read; each is put when read, and removed when it does not exist. A Secret that is wanted no
  // longer is forgotten: if it is wanted again it is answered again. Safe from any thread. The kind `secret` is
  // announced synced (an empty replace) only by sources that read all of them anyway (a folder); an API source answers
  // each wanted name with put or remove, and the Watcher waits for those before its first publish.
  virtual void want_secrets(std::vector<SecretWant> wants) = 0;
};

}  // namespace fairlead

#pragma once

#include <compare>
#include <string>
#include <vector>

namespace fairlead {

// Names one Kubernetes object (or, for a manifest that could not be read, a file).
struct ObjectRef {
  std::string kind;  // "Ingress", "Secret", …, "File"
  std::string ns;    // empty for cluster-wide kinds and files
  std::string name;

  auto operator<=>(const ObjectRef&) const = default;
};

enum class Severity {
  notice,   // served as asked, though probably not as meant
  warning,  // one setting is not honoured; the rest of the object is
  error,    // the object, or a part of it, is not served
};

// Something wrong in a user's object. Kept and shown, never fatal. The message says what is wrong and what to do.
struct Problem {
  ObjectRef object;
  std::string field;  // as a path into the object: "spec.rules[0].http.paths[1].path", "metadata.annotations[…]"
  std::string message;
  Severity severity = Severity::warning;

  auto operator<=>(const Problem&) const = default;
};

using Problems = std::vector<Problem>;

}  // namespace fairlead

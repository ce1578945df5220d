#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "router/base/problem.hpp"

namespace fairlead {

// All current Problems, sorted, kept by whose they are.
class ProblemList {
 public:
  // About what somebody found: the Ingress itself, the merging of a host, …
  enum class Area { source, ingress, ingress_class, service, endpoint_slice, secret, host, upstream };
  using Owner = std::pair<Area, std::string>;

  // Replaces what this owner had.
  void set(Owner owner, Problems problems);

  // True once after each change of the list.
  bool take_changed();
  const std::shared_ptr<const Problems>& all() const { return all_; }

 private:
  std::map<Owner, Problems> by_owner_;
  Problems gone_;  // since the list was made
  Problems added_;
  std::shared_ptr<const Problems> all_ = std::make_shared<const Problems>();
};

}  // namespace fairlead

#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "watcher/config_parts.hpp"
#include "watcher/ingress_part.hpp"

namespace fairlead {

// The Ingresses that have a say in one thing, by age: mostly a single one whose part is not worth keeping, which takes
// no memory of its own then.
class KeptParts {
 public:
  bool empty() const { return size() == 0; }
  std::size_t size() const { return many_ ? many_->size() : (one_ ? 1 : 0); }

  // An Ingress that is there already stays as it is. part: null where it is not worth keeping.
  void add(const std::shared_ptr<const IngressVersion>& version, const std::shared_ptr<const IngressPart>& part) {
    if (empty() && !part) {
      one_ = version;
      return;
    }
    if (!many_) {
      many_ = std::make_unique<PartsByAge>();
      if (one_) many_->emplace(Precedence(*one_), LazyPart(one_));
      one_ = nullptr;
    }
    many_->emplace(Precedence(*version), LazyPart(version, part));
  }

  void remove(const Precedence& order) {
    if (many_) {
      many_->erase(order);
      if (many_->empty()) many_ = nullptr;
    } else if (one_ && !(Precedence(*one_) < order) && !(order < Precedence(*one_))) {
      one_ = nullptr;
    }
  }

  // What build makes of them, without leaving more behind than is worth it: the parts of a crowd are kept once they are
  // made, since one change would have to make them all.
  template <class Build>
  auto look_at(Build build) const {
    if (many_ && many_->size() > crowd) return build(std::as_const(*many_));
    PartsByAge passing;
    if (many_) passing = *many_;
    if (one_) passing.emplace(Precedence(*one_), LazyPart(one_));
    return build(std::as_const(passing));
  }

 private:
  static constexpr std::size_t crowd = 16;

  std::shared_ptr<const IngressVersion> one_;
  std::unique_ptr<PartsByAge> many_;  // never together with one_
};

}  // namespace fairlead

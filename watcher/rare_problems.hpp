#pragma once

#include <memory>
#include <utility>

#include "router/base/problem.hpp"

namespace fairlead {

// The Problems of one of many that mostly have none, and take a pointer's memory then.
class RareProblems {
 public:
  const Problems& get() const {
    static const Problems none;
    return some_ ? *some_ : none;
  }
  void set(Problems problems) { some_ = problems.empty() ? nullptr : std::make_unique<Problems>(std::move(problems)); }
  void add(Problem problem) {
    if (!some_) some_ = std::make_unique<Problems>();
    some_->push_back(std::move(problem));
  }

 private:
  std::unique_ptr<Problems> some_;  // not empty
};

}  // namespace fairlead

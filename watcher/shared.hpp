#pragma once

#include <memory>
#include <utility>

namespace fairlead {

// An immutable value in memory that others who have an equal one may share. Compares by value.
template <class T>
class Shared {
 public:
  Shared() : value_(standard()) {}
  explicit Shared(T value) : value_(std::make_shared<const T>(std::move(value))) {}

  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }
  bool operator==(const Shared& other) const { return value_ == other.value_ || *value_ == *other.value_; }

  // From now on the other's memory, if that holds an equal value.
  void share_with(const Shared& other) {
    if (*this == other) value_ = other.value_;
  }

 private:
  static const std::shared_ptr<const T>& standard() {
    static const auto value = std::make_shared<const T>();
    return value;
  }

  std::shared_ptr<const T> value_;
};

}  // namespace fairlead

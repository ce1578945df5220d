#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "router/base/problem.hpp"

namespace fairlead {

// The Problems of one object, no more of them than a person will read.
class Complaints {
 public:
  static constexpr std::size_t most = 20;

  explicit Complaints(ObjectRef object) : object_(std::move(object)) {}

  void add(std::string field, std::string message, Severity severity);
  bool refused() const { return refused_; }  // there was an error
  const ObjectRef& object() const { return object_; }
  Problems take() { return std::move(problems_); }

 private:
  ObjectRef object_;
  Problems problems_;
  bool refused_ = false;
};

// A value somewhere in an object, or its absence (null counts as absent). A value of the wrong type is complained about
// where it is read, and then counts as absent. Borrows from the object.
class JsonField {
 public:
  JsonField(const nlohmann::json& object, Complaints& complaints) : JsonField(&object, {}, complaints) {}

  bool present() const { return value_ != nullptr; }

  JsonField member(std::string_view name) const;
  std::vector<JsonField> items(std::size_t most) const;
  std::vector<std::pair<std::string_view, JsonField>> members() const;

  std::string text(std::size_t most) const;  // "" when absent
  bool boolean(bool otherwise) const;
  std::int64_t integer(std::int64_t least, std::int64_t most) const;  // 0 when absent
  std::string text_or_number(std::size_t most) const;

  void refuse(std::string message) const { complain(std::move(message), Severity::error); }
  void complain(std::string message, Severity severity) const;

 private:
  JsonField(const nlohmann::json* value, std::string path, Complaints& complaints)
      : value_(value && value->is_null() ? nullptr : value), path_(std::move(path)), complaints_(&complaints) {}

  bool is_object() const;
  JsonField child(const nlohmann::json* value, std::string_view name) const;

  const nlohmann::json* value_;  // null when absent
  std::string path_;             // "spec.rules[0].host"
  Complaints* complaints_;
};

}  // namespace fairlead

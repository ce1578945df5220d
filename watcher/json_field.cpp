#include "watcher/json_field.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead {
namespace {

// A member name that reads well after a dot.
bool is_plain(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace

void Complaints::add(std::string field, std::string message, Severity severity) {
  refused_ = refused_ || severity == Severity::error;
  if (problems_.size() == most) {
    problems_.push_back({object_, "", "has more problems than are shown; correct these first", severity});
  }
  if (problems_.size() > most) return;
  problems_.push_back({object_, std::move(field), std::move(message), severity});
}

void JsonField::complain(std::string message, Severity severity) const {
  complaints_->add(path_, std::move(message), severity);
}

bool JsonField::is_object() const {
  if (!value_) return false;
  if (value_->is_object()) return true;
  refuse(fmt::format("must be an object, and is {}", value_->type_name()));
  return false;
}

JsonField JsonField::child(const nlohmann::json* value, std::string_view name) const {
  if (path_.empty()) return {value, std::string(name), *complaints_};
  std::string path = path_;
  if (is_plain(name)) {
    path.append(".").append(name);
  } else {
    path.append("[\"").append(name).append("\"]");
  }
  return {value, std::move(path), *complaints_};
}

JsonField JsonField::member(std::string_view name) const {
  if (!is_object()) return child(nullptr, name);
  const auto found = value_->find(name);
  return child(found == value_->end() ? nullptr : &*found, name);
}

std::vector<JsonField> JsonField::items(std::size_t most) const {
  std::vector<JsonField> all;
  if (!value_) return all;
  if (!value_->is_array()) {
    refuse(fmt::format("must be a list, and is {}", value_->type_name()));
    return all;
  }
  if (value_->size() > most) {
    refuse(fmt::format("has {} entries, more than the {} that are read", value_->size(), most));
    return all;
  }
  all.reserve(value_->size());
  for (std::size_t i = 0; i < value_->size(); ++i) {
    all.push_back({&(*value_)[i], fmt::format("{}[{}]", path_, i), *complaints_});
  }
  return all;
}

std::vector<std::pair<std::string_view, JsonField>> JsonField::members() const {
  std::vector<std::pair<std::string_view, JsonField>> all;
  if (!is_object()) return all;
  for (auto at = value_->begin(); at != value_->end(); ++at) all.emplace_back(at.key(), child(&*at, at.key()));
  return all;
}

std::string JsonField::text(std::size_t most) const {
  if (!value_) return {};
  if (!value_->is_string()) {
    refuse(fmt::format("must be text, and is {}; write it in quotes", value_->type_name()));
    return {};
  }
  const auto& text = value_->get_ref<const std::string&>();
  if (text.size() <= most) return text;
  refuse(fmt::format("has {} bytes, more than the {} that are allowed", text.size(), most));
  return {};
}

bool JsonField::boolean(bool otherwise) const {
  if (!value_) return otherwise;
  if (value_->is_boolean()) return value_->get<bool>();
  refuse(fmt::format("must be true or false, and is {}", value_->type_name()));
  return otherwise;
}

std::int64_t JsonField::integer(std::int64_t least, std::int64_t most) const {
  if (!value_) return 0;
  if (value_->is_number_integer()) {
    // An unsigned number past the signed range would turn negative, which is out of range too: no least is below 0.
    const auto number = value_->get<std::int64_t>();
    if (number >= least && number <= most) return number;
  }
  refuse(fmt::format("must be a whole number from {} to {}", least, most));
  return 0;
}

std::string JsonField::text_or_number(std::size_t most) const {
  if (value_ && value_->is_number_integer()) return std::to_string(value_->get<std::int64_t>());
  return text(most);
}

}  // namespace fairlead

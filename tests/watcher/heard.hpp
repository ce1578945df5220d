#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "router/base/log.hpp"
#include "watcher/parse.hpp"
#include "watcher/source.hpp"

namespace fairlead {

// A sink that knows what a source has said so far. Safe from any thread.
class Heard final : public ChangeSink {
 public:
  void push(std::vector<Change> changes) override {
    const std::lock_guard lock(mutex_);
    for (Change& change : changes) take(change);
  }

  // "shop/web", one an object; "fairlead" for a kind without namespaces.
  std::vector<std::string> names(Kind kind) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    const auto of_kind = objects_.find(kind);
    if (of_kind == objects_.end()) return names;
    for (const auto& [name, object] : of_kind->second) names.push_back(text_of(name));
    return names;
  }
  bool knows(Kind kind, const std::string& name) const {
    const auto all = names(kind);
    return std::find(all.begin(), all.end(), name) != all.end();
  }
  nlohmann::json object(Kind kind, const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto of_kind = objects_.find(kind);
    if (of_kind == objects_.end()) return nullptr;
    for (const auto& [known, object] : of_kind->second) {
      if (text_of(known) == name) return object;
    }
    return nullptr;
  }

  // How often a kind was replaced, or an object was put or removed: "replace", "put shop/web", "remove shop/web".
  std::size_t count(Kind kind, const std::string& what) const {
    const std::lock_guard lock(mutex_);
    const auto found = said_.find({kind, what});
    return found == said_.end() ? 0 : found->second;
  }
  bool synced() const {
    for (const Kind kind : {Kind::ingress, Kind::ingress_class, Kind::service, Kind::endpoint_slice}) {
      if (count(kind, "replace") == 0) return false;
    }
    return true;
  }
  // The fewest objects of the kind that were known at any time since the first replace.
  std::size_t fewest(Kind kind) const {
    const std::lock_guard lock(mutex_);
    const auto found = fewest_.find(kind);
    return found == fewest_.end() ? 0 : found->second;
  }

  // "ingresses: …", one a present Problem.
  std::vector<std::string> problems() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> texts;
    for (const Problem& problem : problems_) texts.push_back(problem.object.name + ": " + problem.message);
    return texts;
  }
  // Whether any Problem ever said so.
  bool complained(const std::string& part) const {
    const std::lock_guard lock(mutex_);
    return std::any_of(complaints_.begin(), complaints_.end(),
                       [&](const std::string& text) { return text.find(part) != std::string::npos; });
  }

 private:
  static std::string text_of(const ObjectName& name) { return name.ns.empty() ? name.name : name.ns + "/" + name.name; }

  void take(Change& change) {
    auto& objects = objects_[change.kind];
    switch (change.type) {
      case Change::Type::put:
        ++said_[{change.kind, "put " + text_of(change.name)}];
        objects[change.name] = std::move(change.object);
        return;
      case Change::Type::remove:
        ++said_[{change.kind, "remove " + text_of(change.name)}];
        objects.erase(change.name);
        break;
      case Change::Type::replace:
        ++said_[{change.kind, "replace"}];
        objects.clear();
        for (const nlohmann::json& object : change.objects) objects[name_of(change.kind, object)] = object;
        fewest_.try_emplace(change.kind, std::numeric_limits<std::size_t>::max());
        break;
      case Change::Type::problems:
        problems_ = std::move(change.problems);
        for (const Problem& problem : problems_) complaints_.push_back(problem.message);
        return;
      case Change::Type::answer:
      case Change::Type::place:
        return;
    }
    if (const auto fewest = fewest_.find(change.kind); fewest != fewest_.end()) {
      fewest->second = std::min(fewest->second, objects.size());
    }
  }

  mutable std::mutex mutex_;
  std::map<Kind, std::map<ObjectName, nlohmann::json>> objects_;
  std::map<std::pair<Kind, std::string>, std::size_t> said_;
  std::map<Kind, std::size_t> fewest_;
  Problems problems_;
  std::vector<std::string> complaints_;
};

// Keeps every line.
class HeardLog final : public Log {
 public:
  void write(LogLevel, std::string_view message) override {
    const std::lock_guard lock(mutex_);
    text_.append(message).append("\n");
  }
  bool enabled(LogLevel) const override { return true; }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

}  // namespace fairlead

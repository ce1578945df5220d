#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <iterator>
#include <mutex>
#include <string>
#include <vector>

#include "watcher/objects.hpp"
#include "watcher/parse.hpp"
#include "watcher/source.hpp"

namespace fairlead::test {

// "put Ingress shop/web", "remove Secret shop/cert", "replace Service: shop/a shop/b", "problems 2".
inline std::string text_of(const Change& change) {
  const std::string kind(fairlead::text_of(change.kind));
  switch (change.type) {
    case Change::Type::put:
      return "put " + kind + " " + change.name.ns + "/" + change.name.name;
    case Change::Type::remove:
      return "remove " + kind + " " + change.name.ns + "/" + change.name.name;
    case Change::Type::replace: {
      std::string text = "replace " + kind + ":";
      for (const nlohmann::json& object : change.objects) {
        const ObjectName name = name_of(change.kind, object);
        text += " " + name.ns + "/" + name.name;
      }
      return text;
    }
    case Change::Type::problems:
      return "problems " + std::to_string(change.problems.size());
    case Change::Type::answer:
      return "answer " + change.name.name;
    case Change::Type::place:
      return "place " + change.place.zone + "/" + change.place.node;
  }
  return {};
}

// Keeps what a source says. Every wait ends after patience.
class KeptChanges final : public ChangeSink {
 public:
  static constexpr std::chrono::seconds patience{10};

  void push(std::vector<Change> changes) override {
    {
      const std::lock_guard lock(mutex_);
      kept_.insert(kept_.end(), std::make_move_iterator(changes.begin()), std::make_move_iterator(changes.end()));
    }
    filled_.notify_all();
  }

  // Waits until the text of some change since the last forget() is this.
  bool hears(const std::string& text) {
    return await([&](const std::vector<Change>& kept) {
      for (const Change& change : kept) {
        if (text_of(change) == text) return true;
      }
      return false;
    });
  }
  bool await(const std::function<bool(const std::vector<Change>&)>& condition) {
    std::unique_lock lock(mutex_);
    return filled_.wait_for(lock, patience, [&] { return condition(kept_); });
  }
  std::vector<Change> all() const {
    const std::lock_guard lock(mutex_);
    return kept_;
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    for (const Change& change : all()) texts.push_back(text_of(change));
    return texts;
  }
  void forget() {
    const std::lock_guard lock(mutex_);
    kept_.clear();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable filled_;
  std::vector<Change> kept_;
};

}  // namespace fairlead::test

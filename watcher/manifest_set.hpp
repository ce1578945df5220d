#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "router/base/problem.hpp"
#include "router/base/result.hpp"
#include "watcher/packed.hpp"
#include "watcher/rare_problems.hpp"
#include "watcher/source.hpp"

namespace fairlead {

inline constexpr std::size_t max_manifest_problems = 1'000;

// What the files of a folder add up to. Pure: it is told what each file holds and says what that changes. An object
// that several files define is the one of the first in path order; when that is gone, the next.
class ManifestSet {
 public:
  // Objects of other namespaces are left out; "" = none are.
  explicit ManifestSet(std::string watch_namespace) : watch_namespace_(std::move(watch_namespace)) {}

  // What the file holds now. A Failure says why that is not known: what it held last stays.
  void put(const std::string& path, Result<std::vector<nlohmann::json>> objects);
  void remove(const std::string& path);
  // About the folder as a whole.
  void set_folder_problems(Problems problems);

  std::set<std::string> paths() const;
  bool knows(const std::string& path) const { return files_.contains(path); }

  // What is different since the last call. The first time: a replace of each kind.
  std::vector<Change> take_changes();

 private:
  using Key = std::pair<Kind, ObjectName>;
  // What one file says of an object.
  struct Definition {
    const std::string* path = nullptr;  // stands in files_
    PackedBytes object;                 // of pack_json
  };
  // In path order; never empty once it is in objects_. Nearly always one.
  class Definitions {
   public:
    const Definition& front() const { return first_; }
    // The one after the first; there is one.
    const Definition& second() const { return more_->front(); }
    std::size_t size() const { return first_.path ? 1 + (more_ ? more_->size() : 0) : 0; }
    bool is_of(const std::string& path) const;
    // No file has two.
    void add(Definition definition);
    void remove(const std::string& path);

   private:
    Definition first_{};  // no path: there is none
    std::unique_ptr<std::vector<Definition>> more_;
  };
  struct File {
    std::vector<const Key*> objects;  // stand in objects_
    RareProblems problems;
    bool usable = false;  // was, at least once
  };

  using Files = std::map<std::string, File>;

  void add(Files::value_type& file, const nlohmann::json& object);
  void forget_objects(Files::value_type& file);
  void touch(const Key& key);
  // As the first file in path order defines it; null when no file does.
  const PackedBytes* winner(const Key& key) const;
  std::vector<Change> all_objects() const;
  std::vector<Change> changed_objects() const;
  Problems problems() const;

  const std::string watch_namespace_;
  Files files_;  // by path
  std::map<Key, Definitions> objects_;
  std::map<Key, std::optional<std::string>> touched_;  // since the last take: as it was told then; nothing: it was not
  std::set<Key> doubled_;                              // defined by several files
  Problems folder_problems_;
  Problems told_problems_;
  bool problems_touched_ = false;
  bool announced_ = false;
};

// Which of the kinds we listen to an object is, by its kind and API group. Nothing for all others.
std::optional<Kind> kind_of_manifest(const nlohmann::json& object);

}  // namespace fairlead

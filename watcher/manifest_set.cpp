#include "watcher/manifest_set.hpp"

#include <algorithm>

#include "watcher/objects.hpp"
#include "watcher/packed_json.hpp"
#include "watcher/parse.hpp"

namespace fairlead {
namespace {

using nlohmann::json;

struct ServedKind {
  Kind kind;
  std::string_view api_version;
};

constexpr ServedKind served_kinds[] = {
    {Kind::ingress, "networking.k8s.io/v1"},
    {Kind::ingress_class, "networking.k8s.io/v1"},
    {Kind::service, "v1"},
    {Kind::secret, "v1"},
    {Kind::endpoint_slice, "discovery.k8s.io/v1"},
};

std::string text_at(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || found == object.end() || !found->is_string()) return {};
  return found->get<std::string>();
}

const ServedKind* served_kind(const std::string& kind) {
  const auto found = std::find_if(std::begin(served_kinds), std::end(served_kinds),
                                  [&](const ServedKind& served) { return text_of(served.kind) == kind; });
  return found == std::end(served_kinds) ? nullptr : found;
}

Problem file_problem(const std::string& path, std::string message, Severity severity) {
  return {{"File", "", path}, "", std::move(message), severity};
}

// What keeps an object out that means to be one of those we serve; "" when nothing does.
std::string complaint_about(const json& object) {
  if (!object.is_object()) return "a document is no Kubernetes object; it is left out";
  const std::string kind = text_at(object, "kind");
  if (kind.empty()) return "an object says no kind; it is left out";
  const ServedKind* const served = served_kind(kind);
  if (!served) return {};  // another kind: none of our business
  const std::string version = text_at(object, "apiVersion");
  if (version == served->api_version) {
    return name_of(served->kind, object).name.empty()
               ? "an object of kind " + kind + " has no metadata.name; it is left out"
               : std::string();
  }
  // An Ingress of another group is somebody else's kind; one of an old version of this group is a mistake.
  const bool ours = version.empty() || version.starts_with("networking.k8s.io/") ||
                    version.starts_with("extensions/") || version.starts_with("discovery.k8s.io/") ||
                    version.find('/') == std::string::npos;
  if (!ours) return {};
  return "an object of kind " + kind + " has apiVersion \"" + version + "\"; it is left out. Write " +
         std::string(served->api_version);
}

Change put_change(const std::pair<Kind, ObjectName>& key, const PackedBytes& object) {
  Change change;
  change.type = Change::Type::put;
  change.kind = key.first;
  change.name = key.second;
  change.object = unpack_json(object.view());
  return change;
}

Change remove_change(const std::pair<Kind, ObjectName>& key) {
  Change change;
  change.type = Change::Type::remove;
  change.kind = key.first;
  change.name = key.second;
  return change;
}

}  // namespace

std::optional<Kind> kind_of_manifest(const json& object) {
  const ServedKind* const served = served_kind(text_at(object, "kind"));
  if (!served || text_at(object, "apiVersion") != served->api_version) return std::nullopt;
  return served->kind;
}

bool ManifestSet::Definitions::is_of(const std::string& path) const {
  const auto is_it = [&](const Definition& one) { return one.path == &path; };
  return is_it(first_) || (more_ && std::any_of(more_->begin(), more_->end(), is_it));
}

void ManifestSet::Definitions::add(Definition definition) {
  if (!first_.path) {
    first_ = std::move(definition);
    return;
  }
  if (*definition.path < *first_.path) std::swap(definition, first_);
  if (!more_) more_ = std::make_unique<std::vector<Definition>>();
  const auto before = [](const Definition& a, const Definition& b) { return *a.path < *b.path; };
  more_->insert(std::lower_bound(more_->begin(), more_->end(), definition, before), std::move(definition));
}

void ManifestSet::Definitions::remove(const std::string& path) {
  if (more_) std::erase_if(*more_, [&](const Definition& one) { return one.path == &path; });
  if (first_.path == &path) {
    first_ = {};
    if (more_) {
      first_ = std::move(more_->front());
      more_->erase(more_->begin());
    }
  }
  if (more_ && more_->empty()) more_ = nullptr;
}

void ManifestSet::put(const std::string& path, Result<std::vector<json>> objects) {
  Files::value_type& entry = *files_.try_emplace(path).first;
  File& file = entry.second;
  problems_touched_ = true;
  file.problems.set({});
  if (!objects) {
    file.problems.add(file_problem(
        path,
        objects.error().message + (file.usable ? "; the objects it held before stay in use" : "; none of it is served"),
        Severity::error));
    return;
  }
  forget_objects(entry);
  file.usable = true;
  for (const json& object : *objects) add(entry, object);
  file.objects.shrink_to_fit();
}

void ManifestSet::add(Files::value_type& entry, const json& object) {
  auto& [path, file] = entry;
  if (std::string complaint = complaint_about(object); !complaint.empty()) {
    file.problems.add(file_problem(path, std::move(complaint), Severity::error));
    return;
  }
  const std::optional<Kind> kind = kind_of_manifest(object);
  if (!kind) return;
  const Key key{*kind, name_of(*kind, object)};
  if (!watch_namespace_.empty() && *kind != Kind::ingress_class && key.second.ns != watch_namespace_) return;
  const auto known = objects_.find(key);
  if (known != objects_.end() && known->second.is_of(path)) {
    file.problems.add({{std::string(text_of(*kind)), key.second.ns, key.second.name},
                       "",
                       "stands twice in " + path + "; the first is used. Remove the other",
                       Severity::error});
    return;
  }
  touch(key);
  Definition definition{&path, PackedBytes(pack_json(object))};
  if (known != objects_.end()) doubled_.insert(key);
  const auto at = objects_.try_emplace(key).first;
  at->second.add(std::move(definition));
  file.objects.push_back(&at->first);
}

void ManifestSet::forget_objects(Files::value_type& entry) {
  for (const Key* const key : entry.second.objects) {
    touch(*key);
    const auto found = objects_.find(*key);
    Definitions& definitions = found->second;
    definitions.remove(entry.first);
    if (definitions.size() < 2) doubled_.erase(*key);
    if (definitions.size() == 0) objects_.erase(found);
  }
  entry.second.objects.clear();
}

void ManifestSet::touch(const Key& key) {
  if (!announced_ || touched_.contains(key)) return;
  const PackedBytes* const told = winner(key);
  touched_.emplace(key, told ? std::optional<std::string>(told->view()) : std::nullopt);
}

void ManifestSet::remove(const std::string& path) {
  const auto found = files_.find(path);
  if (found == files_.end()) return;
  forget_objects(*found);
  files_.erase(found);
  problems_touched_ = true;
}

void ManifestSet::set_folder_problems(Problems problems) {
  if (problems == folder_problems_) return;
  folder_problems_ = std::move(problems);
  problems_touched_ = true;
}

std::set<std::string> ManifestSet::paths() const {
  std::set<std::string> paths;
  for (const auto& [path, file] : files_) paths.insert(paths.end(), path);
  return paths;
}

const PackedBytes* ManifestSet::winner(const Key& key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : &found->second.front().object;
}

std::vector<Change> ManifestSet::take_changes() {
  std::vector<Change> changes = announced_ ? changed_objects() : all_objects();
  touched_.clear();
  const bool first = !std::exchange(announced_, true);
  if (!std::exchange(problems_touched_, false) && !first) return changes;
  Problems current = problems();
  if (current == told_problems_) return changes;
  told_problems_ = current;
  Change change;
  change.type = Change::Type::problems;
  change.problems = std::move(current);
  changes.push_back(std::move(change));
  return changes;
}

std::vector<Change> ManifestSet::all_objects() const {
  std::vector<Change> changes;
  for (const ServedKind& served : served_kinds) {
    Change change;
    change.type = Change::Type::replace;
    change.kind = served.kind;
    changes.push_back(std::move(change));
  }
  for (const auto& [key, definitions] : objects_) {
    const Kind kind = key.first;  // clang 14 captures no structured binding
    const auto change = std::find_if(changes.begin(), changes.end(), [&](const Change& c) { return c.kind == kind; });
    change->objects.push_back(unpack_json(definitions.front().object.view()));
  }
  return changes;
}

std::vector<Change> ManifestSet::changed_objects() const {
  std::vector<Change> changes;
  for (const auto& [key, told] : touched_) {
    const PackedBytes* const now = winner(key);
    if (!now && told) changes.push_back(remove_change(key));
    if (now && told != now->view()) changes.push_back(put_change(key, *now));
  }
  return changes;
}

Problems ManifestSet::problems() const {
  Problems all = folder_problems_;
  for (const auto& [path, file] : files_) {
    const Problems& of_file = file.problems.get();
    all.insert(all.end(), of_file.begin(), of_file.end());
  }
  for (const auto& [kind, name] : doubled_) {
    const Definitions& definitions = objects_.at({kind, name});
    all.push_back({{std::string(text_of(kind)), name.ns, name.name},
                   "",
                   "is defined in " + *definitions.front().path + " and in " + *definitions.second().path +
                       "; the first is used. Remove the other",
                   Severity::error});
  }
  if (all.size() > max_manifest_problems) {
    const std::size_t more = all.size() - max_manifest_problems;
    all.resize(max_manifest_problems);
    all.push_back(file_problem("", "and " + std::to_string(more) + " more problems of manifests", Severity::error));
  }
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace fairlead

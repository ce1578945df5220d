#include "watcher/manifest_folder.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "watcher/folder_scan.hpp"
#include "watcher/folder_watch.hpp"
#include "watcher/manifest_set.hpp"
#include "watcher/yaml_json.hpp"

namespace fairlead {
namespace {

class ManifestFolder final : public Source {
 public:
  ManifestFolder(const ManifestFolderOptions& options, Log& log, ChangeSink& sink)
      : options_(options), log_(log), sink_(sink), set_(options.watch_namespace), watch_(options.folder) {
    thread_ = std::thread([this] { run(); });
  }

  ~ManifestFolder() override {
    stopping_ = true;
    watch_.wake();
    thread_.join();
  }

  void want_secrets(std::vector<SecretWant>) override {}  // a folder is read whole

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  std::chrono::milliseconds look_again() const;
  Clock::time_point next_look(Clock::time_point looked) const;
  std::chrono::milliseconds time_to_wait(Clock::time_point now, Clock::time_point looked) const;
  void look();
  FolderScan scan_and_follow();
  bool may_be_half_written(const std::string& path, const FileStamp& stamp) const;
  void read(const std::string& path);
  void leave(const std::string& path);
  void drop_gone(Clock::time_point now);
  static bool is_in_unreadable(const std::string& path, const FolderScan& scan);
  void deliver();

  const ManifestFolderOptions options_;
  Log& log_;
  ChangeSink& sink_;
  std::atomic<bool> stopping_{false};

  // All below belongs to the thread.
  ManifestSet set_;
  FolderWatch watch_;
  std::map<std::string, FileStamp> read_;          // by path: what was last read of it
  std::map<std::string, Clock::time_point> gone_;  // files that are not there any more, and until when they are served
  bool complete_ = false;                          // the last look found nothing unreadable
  std::optional<Clock::time_point> look_sooner_;   // the last look left files that were being written
  std::thread thread_;
};

void ManifestFolder::run() {
  look();
  deliver();
  Clock::time_point looked = Clock::now();
  while (!stopping_) {
    const FolderWatch::Heard heard = watch_.wait(time_to_wait(Clock::now(), looked));
    if (stopping_) return;
    for (const std::string& path : heard.files) read(path);
    const Clock::time_point now = Clock::now();
    if (heard.look_again || now >= next_look(looked)) {
      look();
      looked = now;
    }
    drop_gone(now);
    deliver();
  }
}

std::chrono::milliseconds ManifestFolder::look_again() const {
  return watch_.hears_all() && complete_ ? options_.look_again : options_.look_again_when_deaf;
}

ManifestFolder::Clock::time_point ManifestFolder::next_look(Clock::time_point looked) const {
  const Clock::time_point next = looked + look_again();
  return look_sooner_ ? std::min(next, *look_sooner_) : next;
}

std::chrono::milliseconds ManifestFolder::time_to_wait(Clock::time_point now, Clock::time_point looked) const {
  Clock::time_point next = next_look(looked);
  for (const auto& [path, until] : gone_) next = std::min(next, until);
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(next - now), std::chrono::milliseconds(0));
}

void ManifestFolder::look() {
  FolderScan scan = scan_and_follow();
  complete_ = scan.unreadable.empty();
  look_sooner_.reset();
  for (const std::string& path : set_.paths()) {
    if (scan.files.contains(path)) continue;
    if (is_in_unreadable(path, scan)) {
      gone_.erase(path);
    } else {
      leave(path);
    }
  }
  for (const auto& [path, stamp] : scan.files) {
    const auto known = read_.find(path);
    if (known != read_.end() && known->second == stamp) continue;
    if (may_be_half_written(path, stamp)) {
      gone_.erase(path);
      look_sooner_ = Clock::now() + options_.write_grace;
    } else {
      read(path);
    }
  }
  set_.set_folder_problems(std::move(scan.problems));
}

// What happened in a folder before it was followed is not heard, and may be that a folder was made there.
FolderScan ManifestFolder::scan_and_follow() {
  FolderScan scan = scan_folder(options_.folder);
  for (int depth = 0; depth < max_manifest_folder_depth && watch_.follow(scan.folders); ++depth) {
    scan = scan_folder(options_.folder);
  }
  return scan;
}

// Its objects would be lost for as long as the writing takes. It is heard of when it is closed, and else looked at
// later.
bool ManifestFolder::may_be_half_written(const std::string& path, const FileStamp& stamp) const {
  if (!watch_.hears_all() || !set_.knows(path)) return false;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::abs(now - std::chrono::nanoseconds(stamp.modified_ns)) < options_.write_grace;
}

void ManifestFolder::leave(const std::string& path) {
  read_.erase(path);
  gone_.try_emplace(path, Clock::now() + options_.removal_grace);
}

void ManifestFolder::drop_gone(Clock::time_point now) {
  for (auto at = gone_.begin(); at != gone_.end();) {
    if (at->second > now) {
      ++at;
      continue;
    }
    set_.remove(at->first);
    at = gone_.erase(at);
  }
}

bool ManifestFolder::is_in_unreadable(const std::string& path, const FolderScan& scan) {
  return std::any_of(scan.unreadable.begin(), scan.unreadable.end(), [&](const std::string& folder) {
    return folder.empty() || path == folder ||
           (path.starts_with(folder) && path.substr(folder.size()).starts_with('/'));
  });
}

void ManifestFolder::read(const std::string& path) {
  auto file = read_manifest(options_.folder / path);
  if (file && (file->gone || (file->text.empty() && set_.knows(path)))) return leave(path);
  gone_.erase(path);
  if (!file) {
    read_.erase(path);
    set_.put(path, file.error());
  } else {
    read_[path] = file->stamp;
    set_.put(path, parse_manifest(file->text));
  }
}

void ManifestFolder::deliver() {
  std::vector<Change> changes = set_.take_changes();
  if (changes.empty()) return;
  if (log_.enabled(LogLevel::debug)) {
    log_.debug("manifests: " + std::to_string(changes.size()) + " changes in " + std::to_string(read_.size()) +
               " files");
  }
  sink_.push(std::move(changes));
}

}  // namespace

Result<std::unique_ptr<Source>> start_manifest_folder(const ManifestFolderOptions& options, Log& log,
                                                      ChangeSink& sink) {
  std::error_code error;
  const std::string name = options.folder.string();
  if (!std::filesystem::is_directory(options.folder, error)) {
    return Failure{"--manifests " + name + ": " + (error ? error.message() : "is not a folder")};
  }
  const FolderScan scan = scan_folder(options.folder);
  if (scan.unreadable.contains("")) return Failure{"--manifests " + name + ": " + scan.problems.front().message};
  log.info("listening to the manifests in " + name);
  return {boost::system::in_place_value, std::make_unique<ManifestFolder>(options, log, sink)};
}

}  // namespace fairlead

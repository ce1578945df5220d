#include "watcher/manifest_folder.hpp"

#include <algorithm>
#include <atomic>
#include <map>
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

  void want_secrets(const std::set<ObjectName>&) override {}  // a folder is read whole

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  std::chrono::milliseconds look_again() const;
  std::chrono::milliseconds time_to_wait(Clock::time_point now, Clock::time_point looked) const;
  void look();
  void read(const std::string& path);
  void leave(const std::string& path);
  void drop_gone(Clock::time_point now);
  bool is_in_unreadable(const std::string& path, const FolderScan& scan) const;
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
    if (heard.look_again || now >= looked + look_again()) {
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

std::chrono::milliseconds ManifestFolder::time_to_wait(Clock::time_point now, Clock::time_point looked) const {
  Clock::time_point next = looked + look_again();
  for (const auto& [path, until] : gone_) next = std::min(next, until);
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(next - now), std::chrono::milliseconds(0));
}

void ManifestFolder::look() {
  FolderScan scan = scan_folder(options_.folder);
  if (watch_.follow(scan.folders)) scan = scan_folder(options_.folder);
  complete_ = scan.unreadable.empty();
  for (const std::string& path : set_.paths()) {
    if (!scan.files.contains(path) && !is_in_unreadable(path, scan)) leave(path);
  }
  for (const auto& [path, stamp] : scan.files) {
    const auto known = read_.find(path);
    if (known == read_.end() || known->second != stamp) read(path);
  }
  set_.set_folder_problems(std::move(scan.problems));
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

bool ManifestFolder::is_in_unreadable(const std::string& path, const FolderScan& scan) const {
  return std::any_of(scan.unreadable.begin(), scan.unreadable.end(), [&](const std::string& folder) {
    return folder.empty() || (path.starts_with(folder) && path.substr(folder.size()).starts_with('/'));
  });
}

void ManifestFolder::read(const std::string& path) {
  auto file = read_manifest(options_.folder / path);
  if (file && file->gone) return leave(path);
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

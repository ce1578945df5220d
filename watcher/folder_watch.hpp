#pragma once

#include <chrono>
#include <filesystem>
#include <set>
#include <string>
#include <unordered_map>

namespace fairlead {

// Hears by inotify what happens in folders. Of one thread, but for wake().
class FolderWatch {
 public:
  explicit FolderWatch(std::filesystem::path root);
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  // The folders to listen to, relative to the root; those not named any more are forgotten. True when one is new: what
  // happened in it before was not heard.
  bool follow(const std::set<std::string>& folders);
  // Whether every change is heard. False on a system that grants no more watches: the folder must be looked at instead.
  bool hears_all() const { return fd_ >= 0 && !deaf_; }

  struct Heard {
    std::set<std::string> files;  // relative paths of what was written, put there or removed
    bool look_again = false;      // more has happened than files can say: folders, links, too many events
  };
  // Returns when something happened, after `timeout`, or at once when wake() was called.
  Heard wait(std::chrono::milliseconds timeout);
  void wake();  // any thread

 private:
  void drain(Heard& heard);
  bool comes_whole(const std::string& path) const;

  const std::filesystem::path root_;
  int fd_ = -1;
  int wake_fd_ = -1;
  bool deaf_ = false;
  std::unordered_map<int, std::string> folder_of_;  // by watch descriptor
  std::unordered_map<std::string, int> watch_of_;
};

}  // namespace fairlead

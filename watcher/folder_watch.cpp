#include "watcher/folder_watch.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "watcher/folder_scan.hpp"

namespace fairlead {
namespace {

constexpr std::uint32_t file_events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;
constexpr std::uint32_t interest = file_events | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB | IN_ONLYDIR;
constexpr std::size_t event_buffer_bytes = 64 * 1024;

}  // namespace

FolderWatch::FolderWatch(std::filesystem::path root)
    : root_(std::move(root)),
      fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
      wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

FolderWatch::~FolderWatch() {
  if (fd_ >= 0) ::close(fd_);
  if (wake_fd_ >= 0) ::close(wake_fd_);
}

bool FolderWatch::follow(const std::set<std::string>& folders) {
  if (fd_ < 0) return false;
  deaf_ = false;
  bool any_new = false;
  for (auto at = watch_of_.begin(); at != watch_of_.end();) {
    if (folders.contains(at->first)) {
      ++at;
      continue;
    }
    ::inotify_rm_watch(fd_, at->second);
    folder_of_.erase(at->second);
    at = watch_of_.erase(at);
  }
  for (const std::string& folder : folders) {
    // Also of a folder that is followed already: another one may have taken its name.
    const int watch = ::inotify_add_watch(fd_, (folder.empty() ? root_ : root_ / folder).c_str(), interest);
    if (watch < 0) {
      deaf_ = true;
      continue;
    }
    const auto before = watch_of_.find(folder);
    if (before != watch_of_.end() && before->second == watch) continue;
    if (before != watch_of_.end()) folder_of_.erase(before->second);
    watch_of_[folder] = watch;
    folder_of_[watch] = folder;
    any_new = true;
  }
  return any_new;
}

FolderWatch::Heard FolderWatch::wait(std::chrono::milliseconds timeout) {
  pollfd waits[] = {{fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
  Heard heard;
  if (::poll(waits, 2, static_cast<int>(timeout.count())) <= 0) return heard;
  if ((waits[0].revents & POLLIN) != 0) drain(heard);
  std::uint64_t count = 0;
  if ((waits[1].revents & POLLIN) != 0) (void)!::read(wake_fd_, &count, sizeof count);
  return heard;
}

void FolderWatch::drain(Heard& heard) {
  std::vector<char> buffer(event_buffer_bytes);
  for (ssize_t count = 0; (count = ::read(fd_, buffer.data(), buffer.size())) > 0;) {
    for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(count);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const std::string name = event.len > 0 ? std::string(buffer.data() + at + sizeof event) : std::string();
      at += sizeof event + event.len;
      const auto folder = folder_of_.find(event.wd);
      if (folder == folder_of_.end() && (event.mask & IN_Q_OVERFLOW) == 0) continue;  // of a folder that is left
      if ((event.mask & IN_Q_OVERFLOW) != 0) {
        heard.look_again = true;
        continue;
      }
      const std::string path = folder->second.empty() ? name : folder->second + "/" + name;
      const bool of_a_file = (event.mask & (file_events | IN_CREATE)) != 0 && (event.mask & IN_ISDIR) == 0;
      if (of_a_file && is_manifest_name(name)) {
        if ((event.mask & IN_CREATE) == 0 || comes_whole(path)) heard.files.insert(path);
      } else if (!of_a_file || name.starts_with("..")) {
        heard.look_again = true;  // "..data" is what kubelet moves when a mounted ConfigMap changes
      }
    }
  }
}

// A link is all there when it is made; a new file is still being written, and heard of again when it is closed.
bool FolderWatch::comes_whole(const std::string& path) const {
  struct stat facts {};
  return ::lstat((root_ / path).c_str(), &facts) == 0 && (S_ISLNK(facts.st_mode) || facts.st_nlink > 1);
}

void FolderWatch::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wake_fd_, &one, sizeof one);
}

}  // namespace fairlead

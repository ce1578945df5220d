#include "watcher/folder_scan.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "watcher/yaml_json.hpp"

namespace fairlead {
namespace {

namespace fs = std::filesystem;

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

FileStamp stamp_of(const struct stat& facts) {
  const auto nanoseconds = [](const timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  };
  return {facts.st_dev, facts.st_ino, nanoseconds(facts.st_mtim), nanoseconds(facts.st_ctim), facts.st_size};
}

class Scanner {
 public:
  explicit Scanner(const fs::path& root) : root_(root) {}

  FolderScan scan() {
    enter("", 0);
    return std::move(scan_);
  }

 private:
  void enter(const std::string& folder, int depth);
  void look_at(const std::string& path, unsigned char type, int depth);
  void give_up(const std::string& path, const std::string& message);

  void complain(const std::string& path, const std::string& message) {
    scan_.problems.push_back({{"File", "", path.empty() ? "." : path}, "", message, Severity::error});
  }
  fs::path full(const std::string& path) const { return path.empty() ? root_ : root_ / path; }

  const fs::path root_;
  FolderScan scan_;
  bool overfull_ = false;
  std::vector<std::pair<dev_t, ino_t>> open_;  // the folders we are in: links may lead back to them
};

void Scanner::enter(const std::string& folder, int depth) {
  struct stat facts {};
  const std::unique_ptr<DIR, CloseFolder> stream(::opendir(full(folder).c_str()));
  if (!stream || ::fstat(::dirfd(stream.get()), &facts) != 0) {
    if (errno == ENOENT && !folder.empty()) return;  // gone since it was listed
    return give_up(folder, std::string("the folder cannot be read: ") + std::strerror(errno));
  }
  const std::pair<dev_t, ino_t> identity{facts.st_dev, facts.st_ino};
  for (const auto& opened : open_) {
    if (opened == identity) return;
  }
  open_.push_back(identity);
  scan_.folders.insert(folder);
  const auto next = [&] {
    errno = 0;  // readdir says by it alone whether it came to the end or failed
    return ::readdir(stream.get());
  };
  while (const dirent* entry = next()) {
    if (entry->d_name[0] == '.') continue;
    look_at(folder.empty() ? entry->d_name : folder + "/" + entry->d_name, entry->d_type, depth);
  }
  if (errno != 0) give_up(folder, std::string("the folder cannot be read to its end: ") + std::strerror(errno));
  open_.pop_back();
}

void Scanner::look_at(const std::string& path, unsigned char type, int depth) {
  struct stat facts {};
  if (type == DT_REG && !is_manifest_name(path)) return;
  if (::stat(full(path).c_str(), &facts) != 0) {
    if (errno != ENOENT) give_up(path, std::string("cannot be read: ") + std::strerror(errno));
    return;
  }
  if (S_ISDIR(facts.st_mode)) {
    if (depth < max_manifest_folder_depth) return enter(path, depth + 1);
    return complain(path, "lies deeper than " + std::to_string(max_manifest_folder_depth) + " folders; it is left out");
  }
  if (!S_ISREG(facts.st_mode) || !is_manifest_name(path)) return;
  if (scan_.files.size() < max_manifest_files) {
    scan_.files.emplace(path, stamp_of(facts));
  } else if (!std::exchange(overfull_, true)) {
    complain(path, "is one more than " + std::to_string(max_manifest_files) + " files; it and others are left out");
  }
}

void Scanner::give_up(const std::string& path, const std::string& message) {
  complain(path, message + "; what it held before stays in use");
  scan_.unreadable.insert(path);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Failure cannot_be_read() {
  return Failure{std::string("cannot be read: ") + std::strerror(errno)};
}

}  // namespace

bool is_manifest_name(const fs::path& path) {
  const std::string name = path.filename().string();
  const std::string extension = path.extension().string();
  return !name.starts_with('.') && (extension == ".yaml" || extension == ".yml" || extension == ".json");
}

FolderScan scan_folder(const fs::path& root) {
  return Scanner(root).scan();
}

Result<FileText> read_manifest(const fs::path& path) {
  FileText file;
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat facts {};
  if (descriptor.get() < 0 || ::fstat(descriptor.get(), &facts) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) return cannot_be_read();
    file.gone = true;
    return file;
  }
  if (!S_ISREG(facts.st_mode)) {
    file.gone = true;
    return file;
  }
  file.stamp = stamp_of(facts);
  file.text.resize(std::min(static_cast<std::size_t>(facts.st_size), max_manifest_bytes) + 1);
  std::size_t filled = 0;
  while (filled < file.text.size()) {
    const ssize_t count = ::read(descriptor.get(), file.text.data() + filled, file.text.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_be_read();
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  file.text.resize(filled);
  return file;
}

}  // namespace fairlead

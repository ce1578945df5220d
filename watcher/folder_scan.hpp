#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "router/base/problem.hpp"
#include "router/base/result.hpp"

namespace fairlead {

inline constexpr std::size_t max_manifest_files = 100'000;
inline constexpr int max_manifest_folder_depth = 32;

// Changes whenever a file is written or replaced.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  std::int64_t size = 0;

  bool operator==(const FileStamp&) const = default;
};

// What a folder holds at one moment. Paths are relative to it, with '/'. Manifests end in .yaml, .yml or .json; names
// that begin with '.' are left out: editors' files, and what kubelet keeps beside a mounted ConfigMap. Links are
// followed.
struct FolderScan {
  std::map<std::string, FileStamp> files;
  std::set<std::string> folders;     // "" is the folder itself
  std::set<std::string> unreadable;  // folders and files of which nothing, or not all, is known now
  Problems problems;
};

FolderScan scan_folder(const std::filesystem::path& root);

// Whether a path is that of a manifest, by its name alone.
bool is_manifest_name(const std::filesystem::path& path);

// The bytes of a file, at most max_manifest_bytes and one more (which parse_manifest then refuses).
struct FileText {
  std::string text;
  FileStamp stamp;    // of what was read
  bool gone = false;  // there is no such file (any more)
};
Result<FileText> read_manifest(const std::filesystem::path& path);

}  // namespace fairlead
